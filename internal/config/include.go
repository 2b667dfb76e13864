package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Folder is where include finds files.
type Folder interface {
	// List returns the names in a directory, sorted.
	List(dir string) ([]string, error)
	// Real returns the one path that a file has when links are followed. Its
	// error is fs.ErrNotExist where there is none.
	Real(path string) (string, error)
	// Read returns the content of a configuration file.
	Read(path string) ([]byte, error)
}

// includer reads the files that a main file includes, each of them once.
type includer struct {
	*report
	folder Folder
	main   *document
	// base is the directory that relative paths begin at.
	base string
	// seen are the real paths of the files that were read.
	seen  map[string]bool
	files []*document
	// broken says that a file could not be read. What is missing then is no
	// mistake of those who name it.
	broken bool
}

// include reads the files that a document includes. It is false where one of
// them could not be read: the rest cannot be judged without it.
func (d *decoder) include(main *document) ([]*document, bool) {
	at, ok := main.top().key("include")
	if !ok {
		return nil, true
	}
	var patterns []string
	f, _ := d.field(reflect.TypeFor[Config](), "include")
	d.value(at, reflect.ValueOf(&patterns).Elem(), f)
	x := &includer{report: d.report, folder: d.expand.lookup.Folder, main: main, base: baseOf(main.file), seen: make(map[string]bool)}
	if path, err := x.folder.Real(main.file); err == nil {
		x.seen[path] = true // a pattern such as *.yaml may match the main file too
	}
	for i, p := range at.items() {
		if !d.bad[p.node] {
			x.pattern(p, patterns[i])
		}
	}
	for _, file := range x.files {
		d.structure(file.top())
	}
	return x.files, !x.broken
}

// baseOf is the directory of a file. What comes from standard input, or from
// another descriptor, stands nowhere: then it is the working directory.
func baseOf(file string) string {
	if isDescriptor(file) {
		return "."
	}
	return filepath.Dir(file)
}

// pattern reads the files that one element of include names.
func (x *includer) pattern(at place, pattern string) {
	const separator = string(filepath.Separator)
	dir, rest := x.base, filepath.Clean(pattern)
	if filepath.IsAbs(rest) {
		dir = filepath.VolumeName(rest) + separator
		rest = strings.TrimPrefix(rest, dir)
	}
	parts := strings.Split(rest, separator)
	for _, part := range parts {
		if _, err := filepath.Match(part, ""); err != nil {
			x.add(at, "%s is no pattern: a [ needs a ] in the same name; * and ? stand for any characters of one", at.quote(pattern))
			return
		}
	}
	switch {
	case strings.TrimSpace(pattern) == "":
		x.add(at, "it is empty: name a file, or files by a pattern such as conf.d/*.yaml")
		return
	case slices.Contains(parts, "**"):
		x.add(at, "** is not supported: name each level, such as conf.d/*/*.yaml")
		return
	}
	paths, failed, err := x.match(dir, parts)
	if err != nil {
		x.fail(at, "list", failed, err)
		return
	}
	// In conf.d/*/pollwire.yaml not every directory needs to have the file.
	optional := slices.ContainsFunc(parts, isPattern) && !isPattern(parts[len(parts)-1])
	for _, path := range paths {
		x.read(at, path, optional)
	}
}

// isPattern says whether a name stands for several.
func isPattern(name string) bool { return strings.ContainsAny(name, `*?[\`) }

// match returns the paths below dir that match a pattern, a name at a time, or
// the directory that could not be read. filepath.Glob does the same but says
// nothing of such a one, and all sources in it would be gone.
func (x *includer) match(dir string, pattern []string) (found []string, failed string, err error) {
	if len(pattern) == 0 {
		return []string{dir}, "", nil
	}
	if !isPattern(pattern[0]) {
		return x.match(filepath.Join(dir, pattern[0]), pattern[1:])
	}
	names, err := x.folder.List(dir)
	if isMissing(err) {
		return nil, "", nil
	}
	if err != nil {
		return nil, dir, err
	}
	for _, name := range names {
		if matched, _ := filepath.Match(pattern[0], name); !matched || isAside(name, pattern[0]) {
			continue
		}
		below, failed, err := x.match(filepath.Join(dir, name), pattern[1:])
		if err != nil {
			return nil, failed, err
		}
		found = append(found, below...)
	}
	return found, "", nil
}

// isMissing says whether an error is that of a path that leads to nothing.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// isAside says whether a pattern passes over a name: hidden files, and what
// editors leave beside a file that they change.
func isAside(name, pattern string) bool {
	return strings.HasPrefix(name, ".") && !strings.HasPrefix(pattern, ".") ||
		strings.HasSuffix(name, "~") || strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#")
}

// read reads a file that was not read yet.
func (x *includer) read(at place, path string, optional bool) {
	followed, err := x.folder.Real(path)
	if optional && isMissing(err) || err == nil && x.seen[followed] {
		return
	}
	var data []byte
	if err == nil {
		x.seen[followed] = true
		data, err = x.folder.Read(path)
	}
	if err != nil {
		x.fail(at, "read", path, err)
		return
	}
	x.order[path] = len(x.order) + 1
	doc, err := readDocument(path, data, wantedInFile)
	if errs, ok := errors.AsType[Errors](err); ok {
		x.broken = true
		x.errs = append(x.errs, errs...)
		return
	}
	doc.written = x.main.written
	x.files = append(x.files, doc)
}

// fail notes that a path could not be read. What came from the environment is
// not shown.
func (x *includer) fail(at place, verb, path string, err error) {
	x.broken = true
	hint := ""
	if errors.Is(err, errDirectory) {
		hint = "; name the files in it, such as " + strconv.Quote(filepath.Join(path, "*.yaml"))
	}
	if hasReference(at.node.Value) {
		path, hint = at.quote(path), ""
	}
	x.add(at, "%s %s: %s%s", verb, path, reason(err), hint)
}
