package httpclient

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// identity is a client certificate in two files, which may be renewed at any
// time. Its methods may be called concurrently.
type identity struct {
	certFile, keyFile string

	mu    sync.Mutex
	cert  *tls.Certificate
	state [2]fileState
}

// fileState tells whether a file was written since.
type fileState struct {
	size     int64
	modified time.Time
}

func stateOf(path string) (fileState, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}, err
	}
	return fileState{info.Size(), info.ModTime()}, nil
}

// certificate is a tls.Config.GetClientCertificate. While new files cannot be
// read, or do not belong together because only one of them has been written yet,
// the old certificate is used: it may still be valid, and no other is there.
func (i *identity) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	_ = i.loadLocked() // the next handshake tries again
	return i.cert, nil
}

// load reads the files where they have changed.
func (i *identity) load() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.loadLocked()
}

func (i *identity) loadLocked() error {
	var state [2]fileState
	for n, path := range []string{i.certFile, i.keyFile} {
		var err error
		if state[n], err = stateOf(path); err != nil {
			return err
		}
	}
	if i.cert != nil && state == i.state {
		return nil
	}
	cert, err := tls.LoadX509KeyPair(i.certFile, i.keyFile)
	if err != nil {
		return err
	}
	i.cert, i.state = &cert, state
	return nil
}
