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

// SocketPath is where the daemon of a configuration listens for commands on the
// same machine: in $RUNTIME_DIRECTORY, which systemd sets, else beside the
// database. It is empty where that path is too long for a socket: a daemon has
// none then.
func SocketPath(cfg *config.Config) string {
	path := cmp.Or(RuntimeSocket(), besideDatabase(cfg))
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

// ClientSockets is where a command looks for the daemon of a configuration, the
// likeliest place first. An operator beside a service has no $RUNTIME_DIRECTORY,
// so that a database in /var/lib/NAME, a state directory of systemd's, stands
// for a socket in /run/NAME too. Paths that are too long for a socket are left
// out; there may be no other.
func ClientSockets(cfg *config.Config) []string {
	candidates := []string{SocketPath(cfg), besideDatabase(cfg)}
	if name := stateDirectory(cfg.Storage.Path()); name != "" {
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

func besideDatabase(cfg *config.Config) string { return cfg.Storage.Path() + ".sock" }

// runtimeDirectory is the first of the directories that systemd made for this
// process to keep sockets in, or empty.
func runtimeDirectory() string {
	first, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	return first
}

// stateDirectory is the NAME of a database in /var/lib/NAME, or empty. With
// DynamicUser= that is a link to /var/lib/private/NAME.
func stateDirectory(database string) string {
	path, err := filepath.Abs(database)
	if err != nil {
		return "" // the working directory is gone
	}
	below, ok := strings.CutPrefix(path, "/var/lib/")
	if !ok {
		return ""
	}
	name, _, ok := strings.Cut(strings.TrimPrefix(below, "private/"), "/")
	if !ok {
		return ""
	}
	return name
}
