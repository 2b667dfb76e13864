package curl

import (
	"regexp"
	"strings"
)

var (
	// secretName is a name of a header, parameter or member whose value is a secret.
	secretName = regexp.MustCompile(`(?i)(^|[-_.])(api[-_]?key|app[-_]?key|app[-_]?id|key|token|secret|passw(or)?d|passphrase|pwd|pass|auth|authorization|credentials?|cookie|session([-_]?id)?|sid|sig|signature|jwt|bearer|pat|otp|csrf|xsrf|code[-_]verifier|private)$|api[-_]?key|access[-_]?key|secret|token|password|credential|apikey|appid`)
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
