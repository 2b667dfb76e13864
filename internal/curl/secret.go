package curl

import (
	"regexp"
	"slices"
	"strings"
)

var (
	// secretName is a name of a header, parameter or member whose value is a secret.
	secretName = regexp.MustCompile(`(?i)(^|[-_.])(api[-_]?key|app[-_]?key|app[-_]?id|key|token|secret|passw(or)?d|passphrase|pwd|pass|auth|authorization|authentication|credentials?|cookie|session([-_]?id)?|sid|sig|jwt|bearer|pat|otp|csrf|xsrf|code[-_]verifier|private)$|(api|access|auth|user|pass|license|service|private|session)[-_]?key|secret|token|passw(or)?d|credential|signature|session[-_]?id|appid`)
	// harmlessName are names that only look like those.
	harmlessName = regexp.MustCompile(`(?i)^(sort[-_]?key|order[-_]?key|page[-_]?token|next[-_]?token|max[-_]?tokens|token[-_]?type|idempotency[-_]?key)$`)
	// issued are beginnings of secrets that providers issue.
	issued = regexp.MustCompile(`^(sk|rk|pk)_|^gh[opsur]_|^github_pat_|^xox[a-z]-|^xapp-|^SG\.|^AKIA|^ASIA|^eyJ|^whsec_|^glpat-|^shp(at|ca|ss|pa)_|^AIza|^ya29\.|^pat-|^secret_|^ntn_|^key-|^hf_|^npm_|^bot\d+:`)
	random = regexp.MustCompile(`^[A-Za-z0-9_~+/=.:-]{20,}$`)
	uuid   = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// isSecretName says whether what is called so is kept out of files.
func isSecretName(name string) bool {
	return secretName.MatchString(name) && !harmlessName.MatchString(name)
}

var (
	// assigned is a name with a value that can be told from words around it: one of a
	// URL, a member of JSON that is text itself, or an argument in quotes.
	assigned = regexp.MustCompile(`[?&;#]([A-Za-z0-9_.-]+)=[^&;#\s\x00]|([A-Za-z0-9_.-]+)["'\\]*\s*[:=]\s*\\*["'][^"'\\]`)
	// between are signs that no secret has, or that end one.
	between = regexp.MustCompile(`[\s"'<>&,;:=?#|{}()\[\]\\]+`)
	digit   = regexp.MustCompile(`[0-9]`)
)

// isOrHoldsSecret says whether a value looks like a secret, or has one in it: behind
// a word such as Bearer, or in the parameters of a URL.
func isOrHoldsSecret(value string) bool {
	if isSecret(value) {
		return true
	}
	for _, m := range assigned.FindAllStringSubmatch(value, -1) {
		if isSecretName(m[1]) || isSecretName(m[2]) {
			return true
		}
	}
	return slices.ContainsFunc(between.Split(value, -1), func(part string) bool {
		// A name of many words in a query, as of GraphQL, has hardly a digit.
		return issued.MatchString(part) || isSecret(part) && len(digit.FindAllString(part, 3)) == 3
	})
}

// isSecret says whether a value looks like one that was made at random, whatever it
// is called. A false alarm costs a variable of the environment, a miss a secret.
func isSecret(value string) bool {
	if issued.MatchString(value) {
		return true
	}
	if !random.MatchString(value) || uuid.MatchString(value) {
		return false
	}
	kinds := 0
	for _, of := range []string{"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"} {
		if strings.ContainsAny(value, of) {
			kinds++
		}
	}
	return kinds == 3 || kinds == 2 && len(value) >= 32 && strings.ContainsAny(value, "0123456789") && !strings.ContainsAny(value, "/ ")
}

// passedHeaders are headers that pollwire has of its own, or that only a browser has
// a use for.
var passedHeaders = regexp.MustCompile(`(?i)^(accept-encoding|connection|content-length|transfer-encoding|te|keep-alive|proxy-.*|expect|if-.*|cache-control|pragma|priority|dnt|upgrade(-insecure-requests)?|sec-.*|range)$`)
