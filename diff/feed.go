package diff

import (
	"slices"
	"strings"
)

// xmlPlace is a place in documents of a well-known form, which always has the
// same shape.
type xmlPlace struct {
	inner map[string]*xmlPlace
	// many elements of this name may stand beside each other: they are an array,
	// however many there are.
	many bool
	// list is said of the elements that the document is about: an array, too,
	// where there is none of them.
	list bool
	// object keeps an element an object that has no attributes.
	object bool
}

// feeds are the places in feeds and site maps.
var feeds = &xmlPlace{inner: map[string]*xmlPlace{
	"rss": {inner: map[string]*xmlPlace{
		"channel": {inner: map[string]*xmlPlace{
			"item": {many: true, list: true, inner: map[string]*xmlPlace{"guid": {object: true}, "category": {many: true}}},
		}},
	}},
	"feed": {inner: map[string]*xmlPlace{
		"entry": {many: true, list: true, inner: map[string]*xmlPlace{
			"link": {many: true}, "category": {many: true}, "author": {many: true}, "contributor": {many: true},
		}},
		"link": {many: true}, "category": {many: true}, "author": {many: true}, "contributor": {many: true},
	}},
	"RDF":          {inner: map[string]*xmlPlace{"item": {many: true, list: true}}},
	"urlset":       {inner: map[string]*xmlPlace{"url": {many: true, list: true}}},
	"sitemapindex": {inner: map[string]*xmlPlace{"sitemap": {many: true, list: true}}},
}}

// at is the place of an element of that name, nil where it is none.
func (p *xmlPlace) at(name string) *xmlPlace {
	if p == nil {
		return nil
	}
	return p.inner[name]
}

// listed is the name of the elements that the document is about, if they are to
// be found here.
func (p *xmlPlace) listed() string {
	if p != nil {
		for name, inner := range p.inner {
			if inner.list {
				return name
			}
		}
	}
	return ""
}

// troubles are words that a name has where it speaks of an error.
var troubles = []string{"err", "fault", "exception", "fail", "denied"}

// remarks are names that tell how a request went, and well are the values that
// say it went well.
var (
	remarks = []string{"message", "msg", "status", "stat", "code", "statuscode", "reason", "detail", "description"}
	well    = []string{"ok", "success", "succeeded", "true", "0", "200"}
)

// speaksOfError says whether a member of this name and value may be there to
// say that something went wrong. An empty list is never taken from beside it.
func speaksOfError(name, value string) bool {
	name = strings.ToLower(strings.TrimPrefix(name, "@"))
	name = name[strings.LastIndexByte(name, ':')+1:]
	value = strings.ToLower(strings.TrimSpace(value))
	if slices.ContainsFunc(troubles, func(word string) bool { return strings.Contains(name, word) }) {
		return value != "0" && value != "false"
	}
	return slices.Contains(remarks, name) && !slices.Contains(well, value)
}
