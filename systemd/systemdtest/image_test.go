package systemdtest

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const dockerfile = "../package/Dockerfile"

// image is the last stage of the Dockerfile, which becomes the image.
type image struct {
	copies                   [][2]string // from the stage before, to
	user                     uint32
	dir                      string
	entrypoint, args, health []string
}

// readImage reads the last stage of the Dockerfile. It fails for an instruction
// that it does not know, as the test could not tell what becomes of it.
func readImage(t *testing.T) *image {
	t.Helper()
	text := strings.ReplaceAll(content(t, dockerfile), "\\\n", " ")
	stages := strings.Split(text, "\nFROM ")
	img := &image{}
	for i, line := range strings.Split(stages[len(stages)-1], "\n") {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		words := strings.Fields(rest)
		switch {
		case i == 0 && line != "scratch":
			t.Fatalf("the image begins with %s", line)
		case i == 0, name == "", strings.HasPrefix(name, "#"), name == "LABEL", name == "EXPOSE":
		case name == "COPY" && words[0] == "--from=build" && len(words) >= 3:
			img.copies = append(img.copies, [2]string{words[len(words)-2], words[len(words)-1]})
		case name == "USER":
			user, group, _ := strings.Cut(rest, ":")
			if img.user = number(t, user); group != user {
				t.Errorf("the group is %s, the user %s", group, user)
			}
		case name == "WORKDIR":
			img.dir = rest
		case name == "VOLUME":
			if got := list(t, rest); len(got) != 1 || got[0] != img.dir {
				t.Errorf("the volume %v is not where the program works, %s", got, img.dir)
			}
		case name == "HEALTHCHECK":
			_, command, _ := strings.Cut(rest, " CMD ")
			img.health = list(t, command)
		case name == "ENTRYPOINT":
			img.entrypoint = list(t, rest)
		case name == "CMD":
			img.args = list(t, rest)
		default:
			t.Fatalf("the test does not know the instruction: %s", line)
		}
	}
	return img
}

func number(t *testing.T, text string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 {
		t.Fatalf("%q is no number of a user but root: %v", text, err)
	}
	return uint32(n)
}

// list is a command in the form that needs no shell, which the image has not.
func list(t *testing.T, text string) []string {
	t.Helper()
	var words []string
	if err := json.Unmarshal([]byte(text), &words); err != nil || len(words) == 0 {
		t.Fatalf("no list of words: %q: %v", text, err)
	}
	return words
}

// unpack makes the files of the image below a directory: the program as it is
// packaged, trusting one authority, which a machine's certificates stand for.
func (img *image) unpack(t *testing.T, root string, authority []byte) {
	t.Helper()
	for _, c := range img.copies {
		from, to := c[0], filepath.Join(root, c[1])
		switch {
		case strings.HasSuffix(from, "/bin/pollwire"):
			// Not by this process: what another test starts at that moment would
			// hold the file open for writing, and it could not be run.
			run(t, "install", "-D", "--mode=755", filepath.Join(unpacked(t), "pollwire"), to)
		case strings.HasSuffix(from, "/ca-certificates.crt"):
			write(t, to, string(authority), 0o644)
		case strings.HasPrefix(from, "/image/var/lib/"):
			if err := os.MkdirAll(to, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(to, int(img.user), int(img.user)); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("the test does not know what is copied from %s", from)
		}
	}
}

// command is a command in a container of the image, but for its namespaces.
func (img *image) command(t *testing.T, root string, words ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
	cmd.Dir = img.dir
	cmd.Env = []string{"PATH=/usr/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Chroot: root, Credential: &syscall.Credential{Uid: img.user, Gid: img.user}, Pdeathsig: syscall.SIGKILL,
	}
	return cmd
}

// TestImage builds the files of the image by hand and runs what a container
// would run: without a user database, a shell, time zones or another file than
// those that are copied, it polls over TLS, tells and is well.
func TestImage(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("changing the root directory takes root")
	}
	api := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"now":%d}`, time.Now().UnixNano())
	}))
	defer api.Close()
	told := make(chan struct{})
	once := sync.OnceFunc(func() { close(told) })
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { once() }))
	defer receiver.Close()

	img := readImage(t)
	root, err := os.MkdirTemp("", "pollwire-image-") // Its parents are open, those of t.TempDir are not.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	img.unpack(t, root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw}))
	write(t, filepath.Join(root, configFile), fmt.Sprintf(`
server: {listen: ""}
sources:
  - {name: clock, schedule: "* * * * * *", timezone: Asia/Kathmandu, request: {url: %q}}
endpoints:
  - {name: ops, url: %q, secrets: [%s]}
`, api.URL, receiver.URL, opsSecret), 0o644)

	var log bytes.Buffer
	daemon := img.command(t, root, append(img.entrypoint, img.args...)...)
	daemon.Stdout, daemon.Stderr = &log, &log
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }()
	select {
	case <-told:
	case err := <-ended:
		t.Fatalf("it ended: %v\n%s", err, &log)
	case <-time.After(patience):
		err := errors.Join(daemon.Process.Kill(), <-ended)
		t.Fatalf("nothing was told in %v, %v\n%s", patience, err, &log)
	}
	if out, err := img.command(t, root, img.health...).CombinedOutput(); err != nil {
		t.Errorf("the health check: %v\n%s", err, out)
	}
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil { // As docker stop does.
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("told to stop: %v\n%s", err, &log)
	}
	if out, err := img.command(t, root, img.health...).CombinedOutput(); err == nil {
		t.Errorf("the health check of what does not run: %s", out)
	}
}
