package diff

// JSON returns a body as the JSON text that is compared: a body in JSON as it is,
// without being read, and one in another format by the mapping of that format,
// a text as a string. The errors are those of [Compare].
func (r *Rules) JSON(body []byte) ([]byte, error) {
	switch r.format {
	case CSV:
		return csvRows(body)
	case NDJSON:
		return ndjsonValues(body)
	case XML:
		return xmlDocument(body, r.items != nil, r.elements)
	case Text:
		return quote(body), nil
	default:
		return body, nil
	}
}

// bothInJSON returns two answers in JSON, the older of which may be nil.
func (r *Rules) bothInJSON(before, after []byte) (x, y []byte, err error) {
	if y, err = r.JSON(after); err != nil {
		return nil, nil, err
	}
	if before == nil {
		return nil, y, nil
	}
	if x, err = r.JSON(before); err != nil {
		return nil, nil, older(err)
	}
	return x, y, nil
}
