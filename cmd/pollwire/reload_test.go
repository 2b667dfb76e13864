package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestReload has the running daemon take an edited configuration, by the API, by a
// signal that the command sends, and by one that somebody else does.
func TestReload(t *testing.T) {
	s := newSetup(t, `{"data":[{"id":1}]}`)
	d := s.runDaemon(t)
	pollwire(t, "reload", "-c", s.config).want(t, exitOK, "configuration reloaded: no source and no endpoint is another than before")
	s.change(t, "event_type: shop.order", "event_type: shop.thing")
	pollwire(t, "reload", "-c", s.config).want(t, exitOK, "configuration reloaded: changed source/orders\n")
	self := strconv.Itoa(os.Getpid()) // the daemon runs in this process
	s.change(t, "name: you", "name: me")
	pollwire(t, "reload", "-c", s.config, self).want(t, exitOK, "configuration reloaded: added endpoint/me; removed endpoint/you\n")
	s.change(t, "name: me", "name: us")
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	d.stderr.awaitCount(t, "configuration reloaded", 4)
	pollwire(t, "endpoints", "-c", s.config).want(t, exitOK, "us    enabled")
}

// TestReloadAnswersForTheFileOfNow: the command does not take what comes of a reload
// that had begun before, with the file as it was then, for the answer to its own.
func TestReloadAnswersForTheFileOfNow(t *testing.T) {
	s := newSetup(t, `{"data":[{"id":1}]}`)
	s.runDaemon(t)
	pipe := filepath.Join(s.dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	hangups := make(chan os.Signal, 2)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	s.change(t, "event_type: shop.order", `event_type: "${file:`+pipe+`}"`)
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	next(t, "the signal of the test", hangups)
	opened := make(chan *os.File, 1)
	go func() {
		slow, err := os.OpenFile(pipe, os.O_WRONLY, 0) // returns once the daemon reads
		if err != nil {
			t.Error(err)
		}
		opened <- slow
	}()
	slow := next(t, "the daemon to read the file", opened)
	s.change(t, `event_type: "${file:`+pipe+`}"`, "event_type: shop.thing")
	answer := start(t, "reload", "-c", s.config, strconv.Itoa(os.Getpid()))
	select {
	case <-hangups:
	case code := <-answer.code:
		t.Fatalf("it has an answer before it has asked: %d, %s%s", code, answer.stdout, answer.stderr)
	case <-time.After(patience):
		t.Fatalf("the command sends no signal: %s", answer.stderr)
	}
	fmt.Fprint(slow, "not a type!")
	slow.Close()
	code := next(t, "the answer of the command", answer.code)
	answer.code <- code // for its end
	result{code, answer.stdout.String(), answer.stderr.String()}.want(t, exitOK, "configuration reloaded: changed source/orders\n")
}

// next is the next value of a channel.
func next[T any](t *testing.T, what string, values <-chan T) T {
	t.Helper()
	select {
	case value := <-values:
		return value
	case <-time.After(patience):
		t.Fatalf("waiting for %s, %v have passed in vain", what, patience)
		panic("unreachable")
	}
}

// TestReloadOfABadConfiguration is found out by the command itself, or by the
// daemon, which says what takes a restart; both have the same exit code.
func TestReloadOfABadConfiguration(t *testing.T) {
	s := newSetup(t, `{"data":[{"id":1}]}`)
	d := s.runDaemon(t)
	for _, args := range [][]string{{"reload", "-c", s.config}, {"reload", "-c", s.config, strconv.Itoa(os.Getpid())}} {
		s.change(t, `server: {listen: ""}`, `server: {listen: "127.0.0.1:0"}`)
		pollwire(t, args...).want(t, exitBadConfig, "! the daemon refuses the configuration, and goes on as before:\nserver.listen: a running daemon")
		s.change(t, `server: {listen: "127.0.0.1:0"}`, `server: {listen: ""}`)
		s.change(t, "event_type", "event_tipe")
		pollwire(t, args...).want(t, exitBadConfig, "! event_tipe")
		s.change(t, "event_tipe", "event_type")
	}
	pollwire(t, "reload", "-c", s.config).want(t, exitOK, "configuration reloaded")
	d.stderr.await(t, "configuration not reloaded, going on as before")
}

func TestReloadOfNobody(t *testing.T) {
	s := newSetup(t, `{}`)
	pollwire(t, "reload", "-c", s.config).want(t, exitFailed, "! no daemon answers on ")
	pollwire(t, "reload", "-c", s.config, "none").want(t, exitUsage, `! "none" is no PID of a daemon`)
	pollwire(t, "reload", "-c", s.config, "0").want(t, exitUsage, `! "0" is no PID of a daemon`)
	pollwire(t, "reload", "-c", s.config, "7", "8").want(t, exitUsage, "! wants one PID at most")
	s.runDaemon(t)
	s.change(t, "p.db", "q.db")
	pollwire(t, "reload", "-c", s.config).want(t, exitFailed, "! q.db.sock", "! storage.dsn names by now takes a restart")
	s.change(t, "q.db", "p.db")
	pollwire(t, "reload", "-c", s.config, "999999999").want(t, exitFailed, "! process 999999999 was left alone: the daemon that answers is process ")
}

// TestReloadByTheUnit: its command finds the daemon though it cannot read what the
// configuration names, and the daemon checks the file.
func TestReloadByTheUnit(t *testing.T) {
	s := newSetup(t, `{"data":[{"id":1}]}`)
	t.Setenv("RUNTIME_DIRECTORY", s.dir)
	self := strconv.Itoa(os.Getpid())
	pollwire(t, "reload", "-c", s.config, self).want(t, exitFailed, "! no daemon answers on "+s.dir+"/pollwire.sock")
	s.runDaemon(t)
	pollwire(t, "reload", "-c", "not-for-us.yaml", self).want(t, exitOK, "configuration reloaded")
	s.change(t, "event_type", "event_tipe")
	pollwire(t, "reload", "-c", "not-for-us.yaml", self).want(t, exitBadConfig, "! pollwire.yaml:10:5: sources[0].event_tipe")
}
