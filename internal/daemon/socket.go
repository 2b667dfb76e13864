package daemon

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pollwire/pollwire/internal/config"
)

// MaxSocketPath is how long the path of a unix socket can be, in bytes (unix(7)).
const MaxSocketPath = 107

// socketName is the socket's name in a runtime directory.
const socketName = "pollwire.sock"

// ServiceSocket is where the daemon of the shipped unit listens.
const ServiceSocket = "/run/pollwire/" + socketName

// SocketPath is where the daemon of a configuration listens for commands on the
// same machine: in $RUNTIME_DIRECTORY, which systemd sets, else beside the
// database. It is empty where that path is too long for a socket: a daemon has
// none then.
func SocketPath(cfg *config.Config) string {
	path := cmp.Or(RuntimeSocket(), besideDatabase(cfg.Storage))
	if len(path) > MaxSocketPath {
		return ""
	}
	return path
}

// RuntimeSocket is where the daemon of the unit that this process belongs to
// listens, whatever its configuration; empty where there is no $RUNTIME_DIRECTORY.
func RuntimeSocket() string {
	if dir := runtimeDirectory(); dir != "" {
		return filepath.Join(dir, socketName)
	}
	return ""
}

// ClientSockets is where a command looks for the daemon of the configuration at a
// path, whose state is in storage, the likeliest place first. An operator beside a
// service has no $RUNTIME_DIRECTORY, so that a configuration in /etc/NAME and a
// database in /var/lib/NAME, directories that systemd makes for a unit, stand for a
// socket in /run/NAME too. Paths that are too long for a socket are left out; there
// may be no other.
func ClientSockets(configuration string, storage config.Storage) []string {
	candidates := []string{RuntimeSocket()}
	if name := unitDirectory("/etc/", configuration); name != "" {
		candidates = append(candidates, filepath.Join("/run", name, socketName))
	}
	candidates = append(candidates, besideDatabase(storage))
	if name := unitDirectory("/var/lib/", storage.Path()); name != "" {
		candidates = append(candidates, filepath.Join("/run", name, socketName))
	}
	var paths []string
	for _, path := range candidates {
		if path != "" && len(path) <= MaxSocketPath && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

func besideDatabase(storage config.Storage) string { return storage.Path() + ".sock" }

// runtimeDirectory is the first of the directories that systemd made for this
// process to keep sockets in, or empty.
func runtimeDirectory() string {
	first, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	return first
}

// unitDirectory is the NAME of a file in a directory NAME below root, or empty. With
// DynamicUser= that is a link to private/NAME there.
func unitDirectory(root, file string) string {
	path, err := filepath.Abs(file)
	if err != nil {
		return "" // the working directory is gone
	}
	below, ok := strings.CutPrefix(path, root)
	if !ok {
		return ""
	}
	name, _, ok := strings.Cut(strings.TrimPrefix(below, "private/"), "/")
	if !ok {
		return ""
	}
	return name
}
