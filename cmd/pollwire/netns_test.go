package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	// hubAddress is where the servers of a network are, for all its nodes.
	hubAddress = "10.77.0.1"
	// netPrefix begins the names of namespaces; the test's process follows.
	netPrefix = "pollwire-"
)

// network is a hub and the nodes around it, each in a network namespace of its own,
// so that one can be cut off as a cable is: packets are dropped, and nothing is
// closed.
type network struct {
	hub   string
	nodes []string
}

// newNetwork makes a network of n nodes, or skips the test where that may not be.
func newNetwork(t *testing.T, n int) *network {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces are made by root alone")
	}
	for _, program := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed: install the packages iproute2 and nftables", program)
		}
	}
	if out, err := exec.Command("unshare", "--net", "--mount", "true").CombinedOutput(); err != nil {
		t.Skipf("network namespaces cannot be made here: %v: %s", err, out)
	}
	sweep(t)
	// The name of a namespace is one of the whole machine.
	name := fmt.Sprintf("%s%d-%08x", netPrefix, os.Getpid(), rand.Uint32())
	w := &network{hub: name + "-hub"}
	w.add(t, w.hub)
	execute(t, "ip", "-n", w.hub, "addr", "add", hubAddress+"/32", "dev", "lo")
	for i := range n {
		node := fmt.Sprintf("%s-%d", name, i)
		w.add(t, node)
		w.nodes = append(w.nodes, node)
		port := fmt.Sprintf("v%d", i)
		execute(t, "ip", "-n", w.hub, "link", "add", port, "type", "veth", "peer", "name", "hub", "netns", node)
		execute(t, "ip", "-n", w.hub, "addr", "add", fmt.Sprintf("10.77.%d.1/24", i+1), "dev", port)
		execute(t, "ip", "-n", w.hub, "link", "set", "dev", port, "up")
		execute(t, "ip", "-n", node, "addr", "add", nodeAddress(i)+"/24", "dev", "hub")
		execute(t, "ip", "-n", node, "link", "set", "dev", "hub", "up")
		execute(t, "ip", "-n", node, "route", "add", "default", "via", fmt.Sprintf("10.77.%d.1", i+1))
	}
	w.rule(t, "add table inet cut; add chain inet cut in { type filter hook input priority 0; }; add chain inet cut out { type filter hook output priority 0; }")
	return w
}

// sweep removes the namespaces of tests that were ended before they could.
func sweep(t *testing.T) {
	t.Helper()
	left, err := filepath.Glob("/var/run/netns/" + netPrefix + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range left {
		name := filepath.Base(path)
		pid, _, _ := strings.Cut(strings.TrimPrefix(name, netPrefix), "-")
		if n, err := strconv.Atoi(pid); err == nil && syscall.Kill(n, 0) == syscall.ESRCH {
			_ = exec.Command("ip", "netns", "del", name).Run() // another test may have done so
		}
	}
}

// nodeAddress is that of a node, counted from 0.
func nodeAddress(i int) string { return fmt.Sprintf("10.77.%d.2", i+1) }

func (w *network) add(t *testing.T, namespace string) {
	t.Helper()
	execute(t, "ip", "netns", "add", namespace)
	t.Cleanup(func() { execute(t, "ip", "netns", "del", namespace) })
	execute(t, "ip", "-n", namespace, "link", "set", "dev", "lo", "up")
}

// cut drops what goes between a port of the hub and a node, -1 for all of them, in
// both directions.
func (w *network) cut(t *testing.T, port string, node int) {
	t.Helper()
	from, to := "", ""
	if node >= 0 {
		from, to = "ip saddr "+nodeAddress(node)+" ", "ip daddr "+nodeAddress(node)+" "
	}
	w.rule(t, fmt.Sprintf("add rule inet cut in %stcp dport %s drop; add rule inet cut out %stcp sport %[2]s drop", from, port, to))
}

// deafen drops what a port of the hub answers to a node: what that asks for is still
// done, and it never hears of it.
func (w *network) deafen(t *testing.T, port string, node int) {
	t.Helper()
	w.rule(t, fmt.Sprintf("add rule inet cut out ip daddr %s tcp sport %s drop", nodeAddress(node), port))
}

// mend ends all cuts.
func (w *network) mend(t *testing.T) {
	t.Helper()
	w.rule(t, "flush chain inet cut in; flush chain inet cut out")
}

// rule changes what the hub lets through.
func (w *network) rule(t *testing.T, rules string) {
	t.Helper()
	execute(t, "ip", "netns", "exec", w.hub, "nft", rules)
}

// listen listens at the hub's address.
func (w *network) listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := listenIn(w.hub)
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// listenIn makes a socket in a namespace: that of the thread is the socket's for
// ever.
func listenIn(namespace string) (listener net.Listener, err error) {
	here, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return nil, err
	}
	there, err := os.Open("/var/run/netns/" + namespace)
	if err != nil {
		return nil, errors.Join(err, here.Close())
	}
	defer func() { err = errors.Join(err, here.Close(), there.Close()) }()
	// The thread is given back as it was. If it ended, so would all processes that
	// were started by it and are not to outlive who started them: servers, nodes.
	runtime.LockOSThread()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	listener, err = net.Listen("tcp", hubAddress+":0")
	if back := unix.Setns(int(here.Fd()), unix.CLONE_NEWNET); back != nil {
		return nil, errors.Join(err, back) // the thread stays locked, for it is nobody's any more
	}
	runtime.UnlockOSThread()
	return listener, err
}

func execute(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", program, strings.Join(args, " "), err, out)
	}
}
