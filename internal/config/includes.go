package config

// Includes says whether the configuration at path includes a file: whether its
// include leads there. Mistakes within the files that it includes are not looked
// at. Its error is an [Errors].
func Includes(path, file string) (bool, error) {
	doc, err := loadDocument(path)
	if err != nil {
		return false, err
	}
	d := newDecoder(System(), make(keyring))
	wanted, err := disk{}.Real(file)
	if err != nil {
		return false, Errors{{File: file, Message: "read configuration: " + reason(err)}}
	}
	files, _ := d.include(doc)
	for _, included := range files {
		if found, err := (disk{}).Real(included.file); err == nil && found == wanted {
			return true, nil
		}
	}
	return false, nil
}
