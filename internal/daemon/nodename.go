package daemon

import (
	"errors"
	"regexp"
	"strings"
)

// maxNodeName is how long the name of a node can be, in bytes: with it, the path of
// a socket still fits.
const maxNodeName = 63

var (
	nodeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	notName  = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
)

var errNodeName = errors.New("the name of a node has 1 to 63 letters, digits, ., _ and -, and begins with a letter or a digit")

// CheckNodeName says whether a node can have a name; an empty one stands for that of
// the host.
func CheckNodeName(name string) error {
	if name != "" && !nodeName.MatchString(name) {
		return errNodeName
	}
	return nil
}

// NodeName is what a node is called that was given a name: that, or the one of the
// host where it is empty. Whatever a host is called, it makes a name.
func NodeName(given string) string {
	if given != "" {
		return given
	}
	name := strings.TrimLeft(notName.ReplaceAllString(hostName(), "-"), "._-")
	if name = name[:min(len(name), maxNodeName)]; name == "" {
		return "localhost"
	}
	return name
}
