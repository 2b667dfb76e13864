package curl

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// add adds a part to the body.
func (p *parser) add(text, join string) {
	if p.hasData {
		p.data.WriteString(join)
	}
	p.data.WriteString(text)
	p.hasData = true
}

// body is -d: of a file line breaks are left out.
func (p *parser) body(value string) error {
	text, err := p.content(value)
	if strings.HasPrefix(value, "@") {
		text = strings.NewReplacer("\r", "", "\n", "").Replace(text)
	}
	p.add(text, "&")
	return err
}

// rawBody is --data-raw: an @ is one.
func (p *parser) rawBody(value string) error {
	p.add(value, "&")
	return nil
}

// binaryBody is --data-binary: a file as it is.
func (p *parser) binaryBody(value string) error {
	text, err := p.content(value)
	p.add(text, "&")
	return err
}

// json is --json: further parts follow without anything between.
func (p *parser) json(value string) error {
	text, err := p.content(value)
	p.add(text, "")
	p.isJSON = true
	return err
}

// encodedBody is --data-urlencode.
func (p *parser) encodedBody(value string) error {
	text, err := p.encoded(value)
	p.add(text, "&")
	return err
}

// queryPart is --url-query: as --data-urlencode, or as it is after a +.
func (p *parser) queryPart(value string) error {
	if raw, ok := strings.CutPrefix(value, "+"); ok {
		p.query = append(p.query, strings.Split(raw, "&")...)
		return nil
	}
	text, err := p.encoded(value)
	p.query = append(p.query, text)
	return err
}

// encoded is NAME=CONTENT, =CONTENT, CONTENT, @FILE or NAME@FILE, escaped.
func (p *parser) encoded(value string) (string, error) {
	at := strings.IndexAny(value, "=@")
	if at < 0 {
		return escape(value), nil
	}
	name, content := value[:at], value[at+1:]
	if value[at] == '@' {
		var err error
		if content, err = p.file(content); err != nil {
			return "", err
		}
	}
	if name != "" {
		name += "="
	}
	return name + escape(content), nil
}

// content is a value, or what the file has that it names after an @.
func (p *parser) content(value string) (string, error) {
	if name, ok := strings.CutPrefix(value, "@"); ok {
		return p.file(name)
	}
	return value, nil
}

// file is the content of a file.
func (p *parser) file(name string) (string, error) {
	if strings.Contains(name, mark) {
		return "", errors.New("the name of a file is in a variable, which is not known here: write it")
	}
	data, err := p.read(name)
	switch {
	case err != nil:
		return "", fmt.Errorf("read the file of the command: %w", err)
	case !utf8.Valid(data) || strings.Contains(string(data), mark):
		return "", fmt.Errorf("%s is no text, and a source sends text only", name)
	}
	return string(data), nil
}

// escape escapes a text for a query or a form. Variables stay.
func escape(text string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	var out strings.Builder
	for i, part := range strings.Split(text, mark) {
		if i%2 == 1 {
			out.WriteString(mark + part + mark)
			continue
		}
		for _, b := range []byte(part) {
			switch {
			case strings.IndexByte(plain, b) >= 0:
				out.WriteByte(b)
			case b == ' ':
				out.WriteByte('+')
			default:
				fmt.Fprintf(&out, "%%%02X", b)
			}
		}
	}
	return out.String()
}
