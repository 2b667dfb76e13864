package diff

import (
	"math"
	"slices"
)

// topRoom is how many values in the outermost container a document keeps.
const topRoom = 64

// maxDepth is how deep containers may be nested.
const maxDepth = 10_000

// reader reads JSON texts into documents, in one pass over the bytes and
// without recursion. It may be used again, for another text.
type reader struct {
	scanner
	rules
	// twin, if any, is a document that was read by the same rules before, and
	// is likely to be much the same.
	twin twin
	// finds, if any, takes the values that have a role.
	finds *finds
	// closed is the place on the tape of the container that was read last.
	closed uint32
	// brief keeps only the root on the tape.
	brief bool

	doc    document
	tape   []container
	top    []child
	frames []frame
	// names is a stack of the hashes of the names in the objects being read.
	names []uint64
	// repeated says that some object has a name twice.
	repeated bool
	table    table
	list     []child
}

// rules are what a reader has to know of a comparison. The zero value is for
// values as they are.
type rules struct {
	machine *machine
	// digits is how many significant digits of a number count; 0 means all.
	digits int
	// unordered takes arrays as bags.
	unordered bool
}

// plain says that nothing but the state decides what is seen.
func (r *rules) plain() bool { return r.digits == 0 && !r.unordered }

// frame is a container that is being read.
type frame struct {
	// state and seen add up its hashes, kept counts what is in the latter.
	state, seen uint64
	kept        uint32
	count       uint32
	// at is its place on the tape, names where its names begin.
	at, names uint32
	isObject  bool
	// plain says that no rule applies within: all that is there is seen.
	plain bool
	// rule is the machine's state at it, and child that at the value being read,
	// the name of which has a hash and stands from nameStart to nameEnd, while
	// the value begins at start.
	rule, child               uint32
	name                      uint64
	nameStart, nameEnd, start uint32
	twins                     twins
}

// document reads a body, which is without a byte order mark; offset is how long
// that was. It is likely to be much like another document, if there is one. What
// it returns is valid until the reader reads again.
//
// Where an object repeats a name, only the last member of that name is in the
// document.
func (r *reader) document(body []byte, offset int, seeds *seeds, rules rules, like *document) (*document, error) {
	d, err := r.read(body, offset, seeds, rules, like)
	if err != nil || !r.repeated {
		return d, err
	}
	again := reader{}
	if d, err = again.read(body, offset, seeds, rules, nil); err != nil {
		return nil, err
	}
	if r.finds != nil {
		like := r.finds.like
		r.finds.reset(r.finds.Rules)
		r.finds.like = like
	}
	return r.read(again.withoutRepeated(d), 0, seeds, rules, like)
}

func (r *reader) read(body []byte, offset int, seeds *seeds, rules rules, like *document) (*document, error) {
	r.scanner = scanner{raw: body, seeds: seeds, scratch: r.scratch[:0], offset: offset}
	r.rules, r.twin = rules, twin{doc: like}
	r.tape, r.top, r.frames, r.names, r.repeated = r.tape[:0], r.top[:0], r.frames[:0], r.names[:0], false
	if r.finds != nil {
		r.finds.raw = body
	}
	if uint64(len(body)) > math.MaxUint32 {
		r.fail(0, "larger than 4 GiB")
		return nil, r.err
	}
	root, ok := r.value()
	if !ok {
		return nil, r.err
	}
	r.doc = document{raw: body, tape: r.tape, root: root, twin: like, top: r.top}
	return &r.doc, nil
}

// value reads the whole text.
func (r *reader) value() (root child, ok bool) {
	// The outermost frame is no container; it holds the one value.
	r.frames = append(r.frames, frame{plain: r.plain() && r.machine == nil, twins: r.twin.root()})
	f := &r.frames[0]
	if r.machine != nil {
		f.child = startState
	}
	at := r.space(0)
	for {
		// A member or an element begins.
		if f.isObject {
			if at = r.memberName(f, at); at < 0 {
				return root, false
			}
		} else if f.rule != 0 {
			f.child = r.machine.elementAt(f.rule, f.count)
		}
		f.start = uint32(at)
		var hash, seen uint64
		switch c := r.peek(at); c {
		case '{', '[':
			var end int
			if end, hash, seen = r.known(f, at); end > 0 {
				at = end
				break
			}
			if f = r.open(f, c, at); f == nil {
				return root, false
			}
			if at = r.after(at + 1); r.peek(at) != c+2 {
				continue
			}
			at++
			f, hash, seen = r.close(f, at)
		case '"':
			if at, hash = r.text(at); at < 0 {
				return root, false
			}
			seen = hash
		default:
			if at, hash = r.scalar(at); at < 0 {
				return root, false
			}
			seen = hash
			if r.digits > 0 {
				seen = r.seenScalar(int(f.start), at, hash)
			}
		}
		// A value has ended, and with it perhaps some that contain it.
		for {
			f.count++
			if f.isObject {
				f.state += r.seeds.pair(f.name, hash)
			} else {
				f.state = r.seeds.with(f.state, hash)
			}
			if !f.plain {
				r.see(f, hash, seen, at)
			}
			if depth := len(r.frames); depth == 1 {
				return r.finish(f, hash, seen, r.after(at))
			} else if depth == 2 && f.count <= topRoom && !r.brief {
				r.record(f, hash, seen, at)
			}
			at = r.after(at)
			c := r.peek(at)
			at++
			if c == ',' {
				at = r.after(at)
				break
			}
			if c != f.closing() {
				r.fail(at-1, "%s where , or %c should be", r.here(at-1), f.closing())
				return root, false
			}
			f, hash, seen = r.close(f, at)
		}
	}
}

// record keeps a value in the outermost container, since a walk begins there.
func (r *reader) record(f *frame, hash, seen uint64, end int) {
	c := r.childOf(f, hash, seen, end)
	c.name, c.nameStart, c.nameEnd, c.index = f.name, f.nameStart, f.nameEnd, f.count-1
	r.top = append(r.top, c)
}

// memberName reads the name of a member and the colon, and returns where the
// value begins.
func (r *reader) memberName(f *frame, at int) int {
	if r.peek(at) != '"' {
		return r.fail(at, "%s where a member's name should be", r.here(at))
	}
	f.nameStart = uint32(at)
	if at, f.name = r.text(at); at < 0 {
		return none
	}
	f.nameEnd = uint32(at)
	r.names = append(r.names, f.name)
	if r.peek(at) != ':' {
		if at = r.space(at); r.peek(at) != ':' {
			return r.fail(at, "%s where : should be", r.here(at))
		}
	}
	if f.rule != 0 {
		f.child = r.machine.member(f.rule, f.name)
	}
	return r.after(at + 1)
}

// known finds a container in what is likely to be much the same, and returns
// where it ends, or 0. The hash of a list of items is of no use, so that items
// have none.
func (r *reader) known(f *frame, at int) (end int, hash, seen uint64) {
	if f.twins.end > 0 {
		if r.finds != nil && f.child != 0 && r.machine.states[f.child].leads {
			return 0, 0, 0 // What is in it is to be found here too.
		}
		if end, c := r.reuse(f, at); c != nil {
			return end, c.hash, c.seen
		}
	} else if r.finds != nil && r.finds.like != nil {
		return r.finds.reuse(f.child, at), 0, 0
	}
	return 0, 0, 0
}

// finish takes the end of the text.
func (r *reader) finish(f *frame, hash, seen uint64, at int) (root child, ok bool) {
	if at < len(r.raw) {
		r.fail(at, "unexpected %s after the value", r.here(at))
		return root, false
	}
	end := at
	for end > 0 && isSpace(r.raw[end-1]) {
		end--
	}
	return r.childOf(f, hash, seen, end), true
}

// childOf is the value of a frame that has ended.
func (r *reader) childOf(f *frame, hash, seen uint64, end int) child {
	first := r.raw[f.start]
	return child{
		doc: &r.doc, hash: hash, seen: seen, start: f.start, end: uint32(end), rule: f.child,
		at: r.closed, scalar: first != '{' && first != '[',
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// extend makes a slice longer by one value, which is whatever its memory holds.
func extend[T any](s []T) []T {
	n := len(s)
	if n == cap(s) {
		s = slices.Grow(s, 1)
	}
	return s[:n+1]
}

// open begins a container. It returns nil where it is nested too deep.
func (r *reader) open(parent *frame, bracket byte, at int) *frame {
	if len(r.frames) > maxDepth {
		r.fail(at, "nested more than %d deep", maxDepth)
		return nil
	}
	rule := parent.child
	plain := parent.plain || rule == 0 && r.plain()
	inner := parent.twins.inner(&r.twin)
	r.frames = extend(r.frames) // which may move the parent
	f := &r.frames[len(r.frames)-1]
	f.at, f.names = uint32(len(r.tape)), uint32(len(r.names))
	f.isObject, f.plain = bracket == '{', plain
	f.count, f.kept = 0, 0
	f.rule, f.child, f.twins = rule, 0, inner
	f.state = r.seeds.array
	if f.isObject {
		f.state = r.seeds.object
	}
	f.seen = f.state
	r.tape = extend(r.tape)
	c := &r.tape[f.at]
	c.start, c.rule, c.twin = uint32(at), rule, 0
	return f
}

// see takes what the rules leave of a value into its container.
func (r *reader) see(f *frame, hash, seen uint64, end int) {
	if f.child != 0 {
		s := &r.machine.states[f.child]
		if s.role != noRole && r.finds != nil {
			c := r.childOf(f, hash, seen, end)
			r.finds.found(s.role, &c)
		}
		if s.ignored {
			return
		}
	}
	f.kept++
	switch {
	case f.isObject:
		f.seen += r.seeds.pair(f.name, seen)
	case r.unordered:
		f.seen += r.seeds.among(seen)
	default:
		f.seen = r.seeds.with(f.seen, seen)
	}
}

// close ends a container, and returns the frame of what contains it.
func (r *reader) close(f *frame, end int) (parent *frame, hash, seen uint64) {
	c := &r.tape[f.at]
	c.end, c.next, c.count = uint32(end), uint32(len(r.tape)), f.count
	c.hash = r.seeds.close(f.state, f.count)
	c.seen = c.hash
	if !f.plain {
		c.seen = r.seeds.close(f.seen, f.kept)
	}
	hash, seen = c.hash, c.seen
	if f.isObject {
		r.repeated = r.repeated || r.repeats(r.names[f.names:])
		r.names = r.names[:f.names]
	}
	r.closed = f.at
	if r.brief {
		r.tape = r.tape[:f.at]
	}
	r.frames = r.frames[:len(r.frames)-1]
	return &r.frames[len(r.frames)-1], hash, seen
}

func (f *frame) closing() byte {
	if f.isObject {
		return '}'
	}
	return ']'
}

// seenScalar is the hash of a scalar under the rules.
func (r *reader) seenScalar(at, end int, hash uint64) uint64 {
	if r.digits == 0 || kindOf(r.raw[at]) != number {
		return hash
	}
	return r.rounded(r.raw[at:end], r.digits)
}

// repeats says whether a name occurs twice.
func (r *reader) repeats(names []uint64) bool {
	const few = 32
	if len(names) > few {
		r.table.reset(len(names))
		for _, n := range names {
			if _, isNew := r.table.add(n); !isNew {
				return true
			}
		}
		return false
	}
	var taken uint64
	for i, n := range names {
		bit := uint64(1) << (n >> 58)
		if taken&bit != 0 && slices.Contains(names[:i], n) {
			return true
		}
		taken |= bit
	}
	return false
}
