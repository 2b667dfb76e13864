package main

import (
	"slices"
	"syscall"
	"testing"
	"time"
)

// TestFleetSharesSources shares sources among three nodes, 3,000 in a proof, kills
// one, and stops another: each time the rest takes over, and nothing is lost or told
// in another order.
func TestFleetSharesSources(t *testing.T) {
	t.Parallel()
	sources := 500
	if proof() {
		sources = 3000
	}
	f := newFleet(t, 3)
	f.ledger(t, 8)
	idle := f.idle(t, sources, `"@every 10s"`)
	f.keepAudit(t)
	all := len(idle) + len(f.sources)
	f.start(t, f.nodes[0])
	f.await(t, "the first node to have all", func() bool { return f.shares(t)["node-0"] == all })
	begun := time.Now()
	f.start(t, f.nodes[1])
	f.start(t, f.nodes[2])
	took := f.await(t, "the sources to be shared evenly", func() bool { return even(f.shares(t), all, 3) })
	f.promised(t, "sources shared evenly after the start of two more nodes", took, 5*time.Second)
	t.Logf("%d sources: %v", all, f.shares(t))
	f.await(t, "every source to be polled", func() bool { return f.polled(begun) == all })
	f.api.letLoose(true)
	f.rest(2000)

	orphans := f.ownedBy(t, "node-1")
	f.nodes[1].kill()
	killed := time.Now()
	f.await(t, "the sources of the killed node to be polled", func() bool { return f.polled(killed, orphans...) == len(orphans) })
	_, _, first, last := f.handover(killed, 1, orphans)
	t.Logf("%d sources of a killed node: the first was polled again after %v", len(orphans), first)
	f.promised(t, "all sources of a killed node polled again", last, 15*time.Second)

	stopped := time.Now()
	f.nodes[2].stop(t)
	took = f.await(t, "one node to have all", func() bool { return f.shares(t)["node-0"] == all })
	t.Logf("the sources of a stopped node had another one %v after its end, %v after its SIGTERM", took.Round(10*time.Millisecond), time.Since(stopped).Round(10*time.Millisecond))
	f.await(t, "every source to be polled", func() bool { return f.polled(stopped) == all })
	t.Logf("all were polled again %v after it", time.Since(stopped).Round(10*time.Millisecond))
	f.startAgain(t, 1, 2)
	f.end(t)
}

// TestFleetFreezes stops the process of a node for a while and lets it go on: what
// it had begun is refused, and it asks nobody for anything that is another's.
func TestFleetFreezes(t *testing.T) {
	t.Parallel()
	freeze := 20 * time.Second
	if proof() {
		freeze = time.Minute
	}
	f := newFleet(t, 2)
	f.ledger(t, 8)
	f.keepAudit(t)
	f.startAll(t)
	f.await(t, "the sources to be shared", func() bool { return len(f.shares(t)) == 2 && f.api.answered(2) })
	f.api.letLoose(true)
	f.rest(3000)
	n, owned, epochs := f.nodes[0], f.ownedBy(t, "node-0"), f.epochs(t)
	frozen := time.Now()
	f.freeze(t, n)
	f.await(t, "the other node to ask for all", func() bool { return f.polledBy(frozen, nodeAddress(1), owned...) == len(owned) })
	_, _, _, last := f.handover(frozen, 0, owned)
	f.promised(t, "all sources of a frozen node polled by another", last, 15*time.Second)
	<-time.After(time.Until(frozen.Add(freeze)))
	later := f.epochs(t)
	for _, source := range owned {
		if later[source] <= epochs[source] {
			t.Errorf("the epoch of %s was %d and is %d with another node", source, epochs[source], later[source])
		}
	}
	said := n.stderr.len()
	n.signal(t, syscall.SIGCONT)
	awake := time.Now()
	f.await(t, "the sources to be shared again", func() bool { return len(f.shares(t)) == 2 && f.polledBy(awake, nodeAddress(0)) > 0 })
	t.Logf("after %v it went on, and had a share again after %v; it said at first:\n%s",
		freeze, time.Since(awake).Round(10*time.Millisecond), n.stderr.from(said, 12))
	f.end(t)
}

// TestFleetIsCutOff drops what goes between a node and the database, and then what
// goes between the database and all.
func TestFleetIsCutOff(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	f.ledger(t, 8)
	f.keepAudit(t)
	f.startAll(t)
	f.await(t, "the sources to be shared", func() bool { return len(f.shares(t)) == 2 && f.api.answered(2) })
	f.api.letLoose(true)
	f.rest(3000)
	owned := f.ownedBy(t, "node-0")
	f.network.cut(t, f.port, 0)
	cut := time.Now()
	f.await(t, "the other node to ask for all", func() bool { return f.polledBy(cut, nodeAddress(1), owned...) == len(owned) })
	f.rest(3000)
	own, other, first, last := f.handover(cut, 0, owned)
	t.Logf("cut off: the node's last request came after %v, the other's first for the same sources after %v", own, first)
	f.promised(t, "all sources of a node that is cut off polled by another", last, 15*time.Second)
	if own >= other {
		t.Error("the node that was cut off went on asking when another had begun to")
	}
	f.network.mend(t)
	mended := time.Now()
	f.await(t, "the sources to be shared again", func() bool { return len(f.shares(t)) == 2 && f.polled(mended, f.sources...) == len(f.sources) })

	before := f.members(t)
	f.network.cut(t, f.port, -1)
	<-time.After(20 * time.Second)
	f.network.mend(t)
	mended = time.Now()
	took := f.await(t, "every source to be polled again", func() bool { return f.polled(mended) == len(f.sources) })
	t.Logf("the database was away from all for 20s: every source was polled %v after it was back", took.Round(10*time.Millisecond))
	f.rest(3000)
	if after := f.members(t); !slices.Equal(before, after) {
		t.Errorf("nodes were %v and are %v: an outage of the database is nobody's death", before, after)
	}
	f.end(t)
}

// TestFleetOutlivesTheDatabase restarts the server and kills it while an upstream
// changes all the time: nothing is lost or told twice, and nobody is taken for dead.
func TestFleetOutlivesTheDatabase(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	f.ledger(t, 8)
	all := len(f.idle(t, 300, `"@every 2s"`)) + len(f.sources)
	f.keepAudit(t)
	f.startAll(t)
	f.await(t, "the sources to be shared", func() bool { return len(f.shares(t)) == 3 && f.polled(time.Time{}) == all })
	f.api.letLoose(true)
	f.rest(3000)
	before := f.members(t)
	for _, how := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		gone := time.Now()
		if err := f.server.Signal(how); err != nil {
			t.Fatal(err)
		}
		f.server.Wait()
		down := time.Now()
		if err := f.server.Restart(); err != nil {
			t.Fatal(err)
		}
		back := time.Now()
		f.await(t, "every source to be polled again", func() bool { return f.polled(back) == all })
		t.Logf("%v: down after %v, back after %v; %d sources were all polled %v after that", how, down.Sub(gone).Round(10*time.Millisecond),
			back.Sub(gone).Round(10*time.Millisecond), all, time.Since(back).Round(10*time.Millisecond))
		f.rest(3000)
		if after := f.members(t); !slices.Equal(before, after) {
			t.Errorf("nodes were %v and are %v: an outage of the database is nobody's death", before, after)
		}
	}
	f.end(t)
}
