package diff

// Pages are the bodies of one answer that came in several, read one at a time.
// A body is valid until the next call of Page.
type Pages interface {
	Len() int
	Page(i int) ([]byte, error)
}
