package config

import "strings"

// csv refuses what a CSV cannot have: it is a list of rows, whose values are
// all texts. What select makes of them may be anything.
func (v *validator) csv(at place, s *Source) {
	if s.Detect.Select == "@this" {
		v.onlyTexts(at, s)
	}
	if s.Items == nil {
		return
	}
	v.rowsAreItems(at, s, "a CSV", "rows")
	if p, ok := v.writtenPath(at, "items.key"); ok {
		v.key(p, s.Items.Key, v.column)
	}
	if p, ok := v.writtenPath(at, "detect.select"); ok {
		v.column(p, s.Detect.Select)
	}
	if p, ok := v.writtenPath(at, "detect.ignore"); ok && s.Detect.Select == "@this" {
		v.each(p, s.Detect.Ignore, v.column)
	}
}

// onlyTexts refuses what is for lists and numbers.
func (v *validator) onlyTexts(at place, s *Source) {
	if p, ok := v.writtenPath(at, "detect.keys"); ok && len(s.Detect.Keys) > 0 {
		v.add(p, "a CSV has no lists inside: remove it; what identifies a row is items.key")
	}
	v.unrounded(at, s, "a CSV")
}

// unrounded refuses to round what has no numbers.
func (v *validator) unrounded(at place, s *Source, format string) {
	if p, ok := v.writtenPath(at, "detect.significant_digits"); ok && s.Detect.SignificantDigits > 0 && s.Detect.Select == "@this" {
		v.add(p, "the values of %s are texts, which are not rounded: remove it, or select numbers made of them, such as price.@fromstr", format)
	}
}

// rowsAreItems refuses a path into a format that is nothing but a list.
func (v *validator) rowsAreItems(at place, s *Source, format, rows string) {
	if s.Items == nil {
		return
	}
	if p, ok := v.writtenPath(at, "items.path"); ok && !isOdd(s.Items.Path) && !strings.ContainsAny(s.Items.Path[:1], "#@") {
		v.add(p, `%s: in %s the items are its %s: remove the path, or choose among them, such as #(status=="open")#`, p.quote(s.Items.Path), format, rows)
	}
}

// column refuses a path that leads into a value of a row.
func (v *validator) column(at place, path string) {
	if isOdd(path) {
		return
	}
	if steps := strings.NewReplacer(`\\`, "", `\.`, "").Replace(path); strings.Contains(steps, ".") {
		v.add(at, `%s: the values of a CSV have no members: name a column; a dot within its name is written \.`, at.quote(path))
	}
}

// isOdd says whether a path is refused already, or makes something new, as
// {sku,price} and price.@fromstr do.
func isOdd(path string) bool {
	return path == "" || strings.ContainsAny(path[:1], "$/.") || strings.ContainsAny(path, "[{") || strings.Contains(path, ".@")
}
