package daemon

import (
	"crypto/sha256"
	"fmt"
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
// database. Where that is on a server it is in the working directory, by the name
// of the node: several may run on one machine. It is empty where the path is too
// long for a socket: a daemon has none then.
func SocketPath(cfg *config.Config, node string) string {
	path := RuntimeSocket()
	if path == "" {
		path = besideDatabase(cfg.Storage, NodeName(node))
	}
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

// UnitSockets is where a command looks for the daemon of the configuration at a path
// that it cannot read, the likeliest place first: there may be none.
func UnitSockets(configuration string) []string {
	return usable(unitSockets(configuration))
}

func unitSockets(configuration string) []string {
	paths := []string{RuntimeSocket()}
	if name := unitDirectory("/etc/", configuration); name != "" {
		paths = append(paths, filepath.Join("/run", name, socketName))
	}
	return paths
}

// usable are the candidates that can be paths of sockets, each once.
func usable(candidates []string) (paths []string) {
	for _, path := range candidates {
		if path != "" && len(path) <= MaxSocketPath && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// ClientSockets is where a command looks for the daemon of the configuration at a
// path, whose state is in storage, the likeliest place first. An operator beside a
// service has no $RUNTIME_DIRECTORY, so that a configuration in /etc/NAME and a
// database in /var/lib/NAME, directories that systemd makes for a unit, stand for a
// socket in /run/NAME too. Of the nodes on a database of a server any serves: the
// one that has the host's name comes first. Paths that are too long for a socket
// are left out; there may be no other.
func ClientSockets(configuration string, storage config.Storage) []string {
	candidates := append(unitSockets(configuration), besideDatabase(storage, NodeName("")))
	if storage.Engine() != config.SQLite {
		nodes, _ := filepath.Glob(nodeSocket(storage, "*")) // the pattern is a good one
		candidates = append(candidates, nodes...)
	} else if name := unitDirectory("/var/lib/", storage.Path()); name != "" {
		candidates = append(candidates, filepath.Join("/run", name, socketName))
	}
	return usable(candidates)
}

// besideDatabase is where a daemon listens that systemd made no directory for.
func besideDatabase(storage config.Storage, node string) string {
	if storage.Engine() != config.SQLite {
		return nodeSocket(storage, node)
	}
	return storage.Path() + ".sock"
}

// nodeSocket is the socket of a node in its working directory, where there may be
// others of nodes on other databases.
func nodeSocket(storage config.Storage, node string) string {
	mark := sha256.Sum256([]byte(storage.DSN.Reveal()))
	return fmt.Sprintf("pollwire-%x-%s.sock", mark[:4], node)
}

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
