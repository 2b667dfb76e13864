package poller

import "strings"

// nextLink returns the target of the first link with the relation "next" in
// Link header fields (RFC 8288, section 3), as it is written. Links that are
// about another thing than the answer, by an anchor, are passed over, and so is
// what cannot be read.
func nextLink(fields []string) (target string, ok bool) {
	for _, field := range fields {
		s := linkScanner{field}
		for s.rest != "" {
			if target, isNext := s.link(); isNext {
				return target, true
			}
		}
	}
	return "", false
}

// linkScanner reads the links of one header field from its beginning.
type linkScanner struct{ rest string }

// link reads one link and what separates it from the next one. It always takes
// something, as long as there is any.
func (s *linkScanner) link() (target string, isNext bool) {
	s.space()
	if s.skip(',') {
		return "", false
	}
	if !s.skip('<') {
		s.junk()
		return "", false
	}
	target, rest, ok := strings.Cut(s.rest, ">")
	if !ok {
		s.rest = ""
		return "", false
	}
	s.rest = rest
	hasRel, anchored := false, false
	for {
		s.space()
		if !s.skip(';') {
			break
		}
		name, value := s.param()
		switch {
		case name == "anchor":
			anchored = true
		case name == "rel" && !hasRel: // section 3.3: only the first one counts
			hasRel, isNext = true, hasWord(value, "next")
		}
	}
	s.junk()
	return strings.TrimSpace(target), isNext && !anchored
}

// param reads a parameter, whose name comes in lower case. Its value may be
// missing, a token, or a quoted string.
func (s *linkScanner) param() (name, value string) {
	s.space()
	name = strings.ToLower(s.until("=;, \t"))
	s.space()
	if !s.skip('=') {
		return name, ""
	}
	s.space()
	if s.skip('"') {
		return name, s.quoted()
	}
	return name, s.until(";, \t")
}

// quoted reads a quoted string, after its first quote (RFC 9110, section 5.6.4).
func (s *linkScanner) quoted() string {
	var text strings.Builder
	for i := 0; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '"':
			s.rest = s.rest[i+1:]
			return text.String()
		case c == '\\' && i+1 < len(s.rest):
			i++
			text.WriteByte(s.rest[i])
		default:
			text.WriteByte(c)
		}
	}
	s.rest = ""
	return text.String()
}

func (s *linkScanner) until(stop string) string {
	end := strings.IndexAny(s.rest, stop)
	if end < 0 {
		end = len(s.rest)
	}
	text := s.rest[:end]
	s.rest = s.rest[end:]
	return text
}

func (s *linkScanner) space() { s.rest = strings.TrimLeft(s.rest, " \t") }

func (s *linkScanner) skip(c byte) bool {
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// junk passes over what belongs to no link, up to the comma before the next.
func (s *linkScanner) junk() {
	for s.rest != "" && !s.skip(',') {
		if s.skip('"') {
			s.quoted()
			continue
		}
		s.rest = s.rest[1:]
	}
}

// hasWord reports whether a word is in a list that white space separates.
func hasWord(list, word string) bool {
	for w := range strings.FieldsSeq(list) {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}
