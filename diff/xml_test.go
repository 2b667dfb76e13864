package diff

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

const (
	soapSpace = `xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"`
	rdfSpace  = `xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"`
)

func TestXMLDocument(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, want string }{
		"nothing in it":             {`<a/>`, `{"a":""}`},
		"a text":                    {"\uFEFF<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<a> ü </a>\n", `{"a":"ü"}`},
		"attributes":                {`<a x="1" y=' &lt; '/>`, `{"a":{"@x":"1","@y":" < "}}`},
		"attributes and a text":     {`<a x="1">t</a>`, `{"a":{"@x":"1","#text":"t"}}`},
		"elements":                  {`<a><b>1</b><c/></a>`, `{"a":{"b":"1","c":""}}`},
		"repeated elements":         {`<a><b>1</b><c/><b><d/></b></a>`, `{"a":{"b":["1",{"d":""}],"c":""}}`},
		"layout":                    {"<a>\r\n\t<b>\n 1 2\n </b>\n</a>", `{"a":{"b":"1 2"}}`},
		"a text beside elements":    {`<p>x <b>y</b></p>`, `{"p":{"#text":"x","b":"y"}}`},
		"a text in parts":           {`<p>x <b>y</b> z <i/> </p>`, `{"p":{"#text":["x","z"],"b":"y","i":""}}`},
		"comments divide no text":   {`<a>x<!-- <b/> -->y<?php echo 1 ?>z</a>`, `{"a":"xyz"}`},
		"CDATA is text":             {`<a>x<![CDATA[<b>&amp;]]>y</a>`, `{"a":"x<b>&amp;y"}`},
		"entities":                  {`<a>&lt;&#228;&#x1F600;&quot;&apos;&amp;&gt;</a>`, `{"a":"<ä😀\"'&>"}`},
		"numbers are texts":         {`<a><n>1.0</n><b>true</b></a>`, `{"a":{"n":"1.0","b":"true"}}`},
		"a document type":           {`<!DOCTYPE rss PUBLIC "-//N//DTD RSS 0.91//EN" "http://x/rss-0.91.dtd"><a/>`, `{"a":""}`},
		"the default namespace":     {`<a xmlns="urn:a"><b/></a>`, `{"a":{"b":""}}`},
		"the root's namespace":      {`<p:a xmlns:p="urn:a" p:x="1"><p:b/><c/></p:a>`, `{"a":{"@p:x":"1","b":"","c":""}}`},
		"another namespace":         {`<a xmlns:p="urn:p"><p:b p:x="1" y="2"/></a>`, `{"a":{"p:b":{"@p:x":"1","@y":"2"}}}`},
		"a namespace within":        {`<a><b xmlns="urn:b"><c/></b><d xmlns:p="urn:b"><p:c/></d><p:e/></a>`, `{"a":{"b":{"c":""},"d":{"p:c":""},"p:e":""}}`},
		"a prefix used again":       {`<a xmlns:p="urn:1"><p:b/><c xmlns:p="urn:2"><p:b/></c><p:b/></a>`, `{"a":{"p:b":["",""],"c":{"p:b":""}}}`},
		"a well-known namespace":    {`<a xmlns:x="http://purl.org/dc/elements/1.1/"><x:creator/></a>`, `{"a":{"dc:creator":""}}`},
		"one without a prefix":      {`<a><b xmlns="http://www.w3.org/2005/Atom"/></a>`, `{"a":{"atom:b":""}}`},
		"prefixes that are counted": {`<a xmlns:ns2="urn:n" xmlns:d4p1="urn:d" xmlns:geo2="urn:h"><ns2:b d4p1:x="1" x="2"/><geo2:c/></a>`, `{"a":{"b":{"@d4p1:x":"1","@x":"2"},"geo2:c":""}}`},
		"an undeclared prefix":      {`<a><media:b xml:lang="de"/></a>`, `{"a":{"media:b":{"@xml:lang":"de"}}}`},
		"SOAP":                      {`<s:Envelope ` + soapSpace + `><s:Body><m:R xmlns:m="urn:m"><m:id>1</m:id></m:R></s:Body></s:Envelope>`, `{"Envelope":{"Body":{"m:R":{"m:id":"1"}}}}`},
		"RSS without items":         {`<rss version="2.0"><channel><title>T</title></channel></rss>`, `{"rss":{"@version":"2.0","channel":{"title":"T","item":[]}}}`},
		"RSS with one item":         {`<rss><channel><item><guid>1</guid><category>x</category><link>y</link></item></channel></rss>`, `{"rss":{"channel":{"item":[{"guid":{"#text":"1"},"category":["x"],"link":"y"}]}}}`},
		"an empty channel":          {`<rss><channel/></rss>`, `{"rss":{"channel":{"item":[]}}}`},
		"RSS without a channel":     {`<rss/>`, `{"rss":""}`},
		"Atom with one entry":       {`<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><link href="x"/></entry></feed>`, `{"feed":{"entry":[{"id":"1","link":[{"@href":"x"}]}]}}`},
		"Atom by another prefix":    {`<a:feed xmlns:a="http://www.w3.org/2005/Atom"/>`, `{"feed":{"entry":[]}}`},
		"RSS 1.0":                   {`<rdf:RDF ` + rdfSpace + `><item rdf:about="u"/></rdf:RDF>`, `{"RDF":{"item":[{"@rdf:about":"u"}]}}`},
		"a site map":                {`<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>u</loc></url></urlset>`, `{"urlset":{"url":[{"loc":"u"}]}}`},
		"an index of site maps":     {`<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"/>`, `{"sitemapindex":{"sitemap":[]}}`},
		"an item outside of a feed": {`<a><rss><channel/></rss><item/></a>`, `{"a":{"rss":{"channel":""},"item":""}}`},
	} {
		got, err := xmlDocument([]byte(tc.in), false, nil)
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: got %s (%v), want %s", name, got, err, tc.want)
		}
	}
}

func TestInvalidXMLSaysWhere(t *testing.T) {
	t.Parallel()
	many := "<a" + strings.Repeat(` x="1"`, 20) + "/>"
	for name, tc := range map[string]struct{ in, want string }{
		"empty":                {"", "invalid XML: there is no element in it"},
		"a comment alone":      {"<!-- -->\n", "invalid XML: there is no element in it"},
		"cut":                  {"<a>\n<b>1</b>\n<b>", "invalid XML at line 3: unexpected EOF"},
		"cut in a tag":         {"<a>\n<b x=", "invalid XML at line 2: unexpected EOF"},
		"cut before the end":   {"<a><b/>\n", "invalid XML at line 2: unexpected EOF"},
		"tags crossed":         {"<a>\n<b></a></b>", "invalid XML at line 2: element <b> closed by </a>"},
		"an unknown entity":    {"<a>\n&nbsp;</a>", "invalid XML at line 2: invalid character entity &nbsp;"},
		"an entity of its own": {"<!DOCTYPE a [\n<!ENTITY b \"c\">\n]>\n<a>&b;</a>", "invalid XML at line 3: it has a document type definition of its own, which is not read"},
		"another declaration":  {"<!ENTITY b \"c\"><a/>", "invalid XML at line 1: it has a document type definition of its own, which is not read"},
		"two documents":        {"<a/>\n<b/>", "invalid XML at line 2: a second outermost element, <b>"},
		"a text before":        {"x<a/>", "invalid XML at line 1: text outside of the outermost element"},
		"a text after":         {"<a/>\n{}", "invalid XML at line 2: text outside of the outermost element"},
		"an attribute twice":   {"<a>\n<b x='1' x='2'/></a>", "invalid XML at line 2: the attribute x is there twice"},
		"one of many twice":    {many, "invalid XML at line 1: the attribute x is there twice"},
		"no quotes":            {"<a x=1/>", "invalid XML at line 1: unquoted or missing attribute value in element"},
		"not UTF-8":            {"<a>\n\xfc</a>", "invalid XML at line 2: not UTF-8"},
		"a control character":  {"<a>\x01</a>", "invalid XML at line 1: illegal character code U+0001"},
		"XML 1.1":              {"<?xml version=\"1.1\"?><a/>", `invalid XML at line 1: xml: unsupported version "1.1"; only version 1.0 is supported`},
		"JSON":                 {`{"a":1}`, "invalid XML at line 1: text outside of the outermost element"},
	} {
		got, err := xmlDocument([]byte(tc.in), false, nil)
		if !errors.Is(err, ErrInvalidXML) || err.Error() != tc.want || got != nil {
			t.Errorf("%s: got %s (%v), want %s", name, got, err, tc.want)
		}
	}
}

// TestXMLIsCutNowhere: no beginning of a document is one.
func TestXMLIsCutNowhere(t *testing.T) {
	t.Parallel()
	body := "<?xml version=\"1.0\"?>\n<a x=\"1\"><b>1</b><![CDATA[2]]><!-- 3 --><c/></a>"
	for i := range len(body) {
		if got, err := xmlDocument([]byte(body[:i]), false, nil); !errors.Is(err, ErrInvalidXML) {
			t.Errorf("%q is %s (%v)", body[:i], got, err)
		}
	}
}

func TestDepthOfXMLIsBounded(t *testing.T) {
	t.Parallel()
	nested := func(n int) []byte { return []byte(strings.Repeat("<a>", n) + "x" + strings.Repeat("</a>", n)) }
	// The object around the outermost element is one level of the JSON.
	if got, err := xmlDocument(nested(maxDepth-1), false, nil); err != nil || !IsJSON(got) {
		t.Errorf("at the bound: %v", err)
	}
	if _, err := xmlDocument(nested(maxDepth+1), false, nil); !errors.Is(err, ErrInvalidXML) || !strings.Contains(err.Error(), "nested more than 10000 deep") {
		t.Errorf("beyond the bound: %v", err)
	}
}

// TestListsInXML: whether there are many items, one or none must not decide what
// the path to them leads to, and what may be an error is no empty list.
func TestListsInXML(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path, in string
		want     int // items; -1 where there is no list
	}{
		"many":                       {"os.o", `<os><o id="1"/><o id="2"/></os>`, 2},
		"one":                        {"os.o", `<os><o id="1"/></os>`, 1},
		"none":                       {"os.o", `<os/>`, 0},
		"none beside others":         {"os.o", `<os total="0"><page>1</page></os>`, 0},
		"none, and all is well":      {"os.o", `<os status="OK"><error>0</error></os>`, 0},
		"none, deeper":               {"r.os.o", `<r><status>1</status><os/></r>`, 0},
		"one, deeper":                {"r.os.o", `<r><os><o id="1"/></os></r>`, 1},
		"by a path that chooses":     {`os.o.#(@id>"0")#`, `<os><o id="1"/></os>`, 1},
		"none to choose from":        {`os.o.#(@id>"0")#`, `<os/>`, 0},
		"with a prefix":              {"os.p:o", `<os xmlns:p="urn:p"><p:o id="1"/></os>`, 1},
		"none with a prefix":         {"os.p:o", `<os/>`, 0},
		"another document":           {"os.o", `<html><o id="1"/></html>`, -1},
		"without what is around":     {"r.os.o", `<r/>`, -1},
		"an error within":            {"os.o", `<os><error>busy</error></os>`, -1},
		"an error in an attribute":   {"os.o", `<os stat="fail"/>`, -1},
		"a fault":                    {"Envelope.Body.o", `<s:Envelope ` + soapSpace + `><s:Body><s:Fault/></s:Body></s:Envelope>`, -1},
		"a text":                     {"os.o", `<os>Try again later.</os>`, -1},
		"repeated around":            {"r.os.o", `<r><os/><os/></r>`, -1},
		"the outermost one":          {"os", `<os id="1"/>`, 1},
		"another outermost one":      {"os", `<error/>`, -1},
		"a feed":                     {"", `<rss><channel><item><id>1</id></item></channel></rss>`, 1},
		"a feed by its path":         {"rss.channel.item", `<rss><channel><item id="1"/></channel></rss>`, 1},
		"an empty feed":              {"", `<rss><channel><title>Error free</title></channel></rss>`, 0},
		"an empty feed by its path":  {"feed.entry", `<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title></feed>`, 0},
		"a broken feed":              {"", `<rss><error>busy</error></rss>`, -1},
		"no feed, and no path":       {"", `<os><o id="1"/></os>`, -1},
		"a list of lists is no list": {"os", `<os><o id="1"/></os><!-- -->`, -1},
	} {
		r := mustCompile(t, Options{Format: XML, Items: &Items{Path: tc.path, Key: []string{`@id`}}})
		if strings.Contains(tc.in, "<id>") {
			r = mustCompile(t, Options{Format: XML, Items: &Items{Path: tc.path, Key: []string{`id`}}})
		}
		result, err := Compare(nil, []byte(tc.in), r)
		switch {
		case tc.want < 0 && !errors.Is(err, ErrNoList) && !errors.Is(err, ErrBadKey):
			t.Errorf("%s: got %d items (%v)", name, result.After, err)
		case tc.want >= 0 && (err != nil || result.After != tc.want):
			t.Errorf("%s: got %d items (%v), want %d", name, result.After, err, tc.want)
		}
	}
}

func TestElementPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"a": "a", "a.b": "a|b", `rss.channel.item`: "rss|channel|item", "rdf:RDF.x-y.#(a==1)#": "rdf:RDF|x-y",
		"a.#.b": "a", `a.b\.c`: "a|b.c", "": "", "@this": "", "a.0": "", "a.@values": "", "a|b": "", "{a,b}": "", "#": "", "a.*": "", "a..b": "",
	} {
		if got := strings.Join(elementPath(path), "|"); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

// TestItemsInXMLAreCompared: what is told is the JSON of the mapping.
func TestItemsInXMLAreCompared(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Format: XML, Items: &Items{Key: []string{"guid.#text"}}, Ignore: []string{"comments"}})
	before := `<rss><channel><item><guid isPermaLink="false">1</guid><title>A</title><comments>1</comments></item></channel></rss>`
	after := strings.NewReplacer("A", "B", "<comments>1", "<comments>2").Replace(before)
	result, err := Compare([]byte(before), []byte(after), r)
	if err != nil || len(result.Changes) != 1 {
		t.Fatalf("got %+v (%v)", result, err)
	}
	c := result.Changes[0]
	if want := `{"guid":{"@isPermaLink":"false","#text":"1"},"title":"B","comments":"2"}`; c.Key != "1" || string(c.After) != want {
		t.Errorf("%s is %s, want %s", c.Key, c.After, want)
	}
	if got := c.Changed(); len(got) != 1 || got[0] != "/title" {
		t.Errorf("changed %q", got)
	}
	result, err = Compare([]byte(before), []byte(strings.Replace(before, "<comments>1", "\n<comments><!-- new -->7", 1)), r)
	if err != nil || len(result.Changes) != 0 {
		t.Errorf("what is ignored made %+v (%v)", result.Changes, err)
	}
	if _, err := Compare([]byte("<rss>"), []byte(after), r); !errors.Is(err, ErrBefore) || !errors.Is(err, ErrInvalidXML) {
		t.Errorf("a broken older answer: %v", err)
	}
}

// FuzzXMLDocument holds what is read to be JSON, to be read without loops over
// what is hostile, and to be the same when the document is written by others.
func FuzzXMLDocument(f *testing.F) {
	for _, s := range []string{
		`<a x="1">t<b/>u<b/></a>`, `<rss><channel><item/></channel></rss>`, `<feed xmlns="http://www.w3.org/2005/Atom"><entry/></feed>`,
		`<p:a xmlns:p="urn:a" xmlns="urn:b"><b xmlns=""/><![CDATA[]]]]><![CDATA[>]]></p:a>`, "<!DOCTYPE a><a>&#65;</a>", `<a><b><o id="1"/></b></a>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := xmlDocument(body, false, nil)
		if err != nil {
			if !errors.Is(err, ErrInvalidXML) || got != nil {
				t.Fatalf("%s with %v", got, err)
			}
			return
		}
		if !json.Valid(got) || !IsJSON(got) {
			t.Fatalf("not JSON: %s", got)
		}
		seeds := newSeeds()
		r := reader{}
		if _, err := r.read(got, 0, &seeds, rules{}, nil); err != nil || r.repeated {
			t.Fatalf("a name is repeated (%v): %s", err, got)
		}
		again, err := xmlDocument([]byte("<?xml version=\"1.0\"?><!-- -->\n"+strings.TrimPrefix(string(body), "\uFEFF")+"\n<!-- -->"), false, nil)
		if err == nil && string(again) != string(got) {
			t.Errorf("%s became %s", got, again)
		}
		if list, err := xmlDocument(body, true, []string{"a", "b", "o"}); err == nil && !json.Valid(list) {
			t.Fatalf("not JSON: %s", list)
		}
	})
}
