package dashboard

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"path"
)

// assetPath is where the files are that pages load.
const assetPath = "/assets/"

//go:embed assets
var assetFiles embed.FS

// assets answers with the files that pages load. Their addresses carry a hash of
// what they hold, so that browsers keep them for good, and take new ones at once.
type assets struct {
	byName map[string]asset
}

type asset struct {
	data      []byte
	mediaType string
	hash      string
}

func newAssets() *assets {
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		panic(fmt.Errorf("read assets: %w", err))
	}
	a := &assets{byName: make(map[string]asset, len(entries))}
	for _, e := range entries {
		data, err := assetFiles.ReadFile("assets/" + e.Name())
		if err != nil {
			panic(fmt.Errorf("read asset: %w", err))
		}
		sum := sha256.Sum256(data)
		a.byName[e.Name()] = asset{data, mime.TypeByExtension(path.Ext(e.Name())), hex.EncodeToString(sum[:6])}
	}
	return a
}

// address is where a page finds a file.
func (a *assets) address(name string) (string, error) {
	file, ok := a.byName[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return assetPath + name + "?v=" + file.hash, nil
}

func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, ok := a.byName[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	header.Set("Content-Type", file.mediaType)
	header.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == file.hash {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(file.data) // A client that has gone away is no error of ours.
}
