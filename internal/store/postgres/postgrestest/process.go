package postgrestest

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// startTimeout bounds the start of a program.
const startTimeout = time.Minute

// process is a program that was started.
type process struct {
	cmd   *exec.Cmd
	out   bytes.Buffer
	ended chan struct{}
}

// launch starts a program as the server's user, in its folder. It ends with this
// process at the latest.
func (s *Server) launch(program string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(context.Background(), program, args...), ended: make(chan struct{})}
	p.cmd.Dir = s.dir
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	p.cmd.WaitDelay = startTimeout // children that outlive it may hold what it prints to
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Pdeathsig: syscall.SIGQUIT}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
	}()
	return p, nil
}

// await returns when the program answers.
func (p *process) await(ask func() error) error {
	name := filepath.Base(p.cmd.Path)
	deadline := time.NewTimer(startTimeout)
	defer deadline.Stop()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended: %s", name, p.out.String())
		case <-deadline.C:
			return fmt.Errorf("%s does not answer: %w", name, err)
		case <-again.C:
		}
	}
}

// end ends the program by a signal.
func (p *process) end(sig syscall.Signal) {
	_ = p.cmd.Process.Signal(sig)
	<-p.ended
}
