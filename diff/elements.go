package diff

import "slices"

// elements are those of an array, in chunks, so that neither an insertion nor a
// removal has to move more than a chunk.
type elements struct {
	chunks [][]node
	count  int
}

// chunkSize is how many elements a chunk has at most.
const chunkSize = 512

func newElements(list []child) *elements {
	e := &elements{count: len(list)}
	for part := range slices.Chunk(list, chunkSize/2) {
		chunk := make([]node, len(part))
		for i := range part {
			chunk[i].text = &part[i]
		}
		e.chunks = append(e.chunks, chunk)
	}
	return e
}

// locate returns the chunk of an element, and its place there. That of the
// element after the last one is the end of the last chunk.
func (e *elements) locate(i int) (chunk, place int) {
	for chunk < len(e.chunks)-1 && i >= len(e.chunks[chunk]) {
		i -= len(e.chunks[chunk])
		chunk++
	}
	return chunk, i
}

// at returns an element that is there. It stays where it is until another one
// is inserted or removed.
func (e *elements) at(i int) *node {
	chunk, place := e.locate(i)
	return &e.chunks[chunk][place]
}

func (e *elements) insert(i int, value node) {
	if len(e.chunks) == 0 {
		e.chunks = append(e.chunks, nil)
	}
	e.count++
	chunk, place := e.locate(i)
	if len(e.chunks[chunk]) == chunkSize {
		chunk, place = e.split(chunk, place)
	}
	e.chunks[chunk] = slices.Insert(e.chunks[chunk], place, value)
}

// split makes two chunks of one, and returns where a place in it is now.
func (e *elements) split(chunk, place int) (_, _ int) {
	const half = chunkSize / 2
	full := e.chunks[chunk]
	second := slices.Clone(full[half:])
	clear(full[half:])
	e.chunks[chunk] = full[:half]
	e.chunks = slices.Insert(e.chunks, chunk+1, second)
	if place > half {
		return chunk + 1, place - half
	}
	return chunk, place
}

func (e *elements) remove(i int) node {
	chunk, place := e.locate(i)
	c := e.chunks[chunk]
	removed := c[place]
	e.count--
	if len(c) == 1 {
		e.chunks = slices.Delete(e.chunks, chunk, chunk+1)
	} else {
		e.chunks[chunk] = slices.Delete(c, place, place+1)
	}
	return removed
}
