package daemon

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

// like are members of these versions and configurations, each of which came to it a
// second after the one before.
func like(all ...string) (members []store.Member) {
	for i, one := range all {
		version, configuration, _ := strings.Cut(one, " ")
		at := time.Unix(int64(1e9+i), 0)
		members = append(members, store.Member{
			ID: fmt.Sprint(i), Name: fmt.Sprint("n", i), Version: version, Config: configuration, StartedAt: at, ConfiguredAt: at,
		})
	}
	return members
}

func TestUnlikeMostOfTheOthers(t *testing.T) {
	t.Parallel()
	type aspects map[string][]server.NodeAspect
	version, configuration := []server.NodeAspect{server.NodeVersion}, []server.NodeAspect{server.NodeConfiguration}
	for _, tc := range []struct {
		members []store.Member
		want    aspects
	}{
		{nil, aspects{}},
		{like("1 a"), aspects{}},
		{like("1 a", "1 a", "1 a"), aspects{}},
		{like("1 a", "1 b", "1 a"), aspects{"1": configuration}},
		{like("1 a", "1 a", "2 a"), aspects{"2": version}},
		// Of equally many the later ones are right.
		{like("1 a", "1 b"), aspects{"0": configuration}},
		{like("2 a", "2 a", "1 a", "1 a"), aspects{"0": version, "1": version}},
		// Configurations of other versions are not compared.
		{like("1 a", "1 a", "2 z"), aspects{"2": version}},
		{like("1 a", "1 a", "1 a", "2 y", "2 z"), aspects{"3": {server.NodeVersion, server.NodeConfiguration}, "4": version}},
	} {
		if diff := cmp.Diff(map[string][]server.NodeAspect(tc.want), unlike(tc.members)); diff != "" {
			t.Errorf("%+v: %s", tc.members, diff)
		}
	}
}

// TestUnlikenessIsSaidOnce for each, and its end too.
func TestUnlikenessIsSaidOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	box := &exchange{}
	o := newOthers(&seat{exchange: box, id: "0"}, box, slog.New(slog.NewTextHandler(&log, nil)))
	said := func(members []store.Member) string {
		box.members = members
		log.Reset()
		o.compare()
		o.compare()
		return log.String()
	}
	if got := said(like("1 a", "1 a")); got != "" {
		t.Errorf("said: %s", got)
	}
	got := said(like("1 a", "1 a", "2 b"))
	if strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=WARN") || !strings.Contains(got, "node=n2 in=version is=2") {
		t.Errorf("said: %s", got)
	}
	if got := said(like("1 a", "1 a", "2 b")); got != "" {
		t.Errorf("said again: %s", got)
	}
	if got := said(like("1 a", "1 c", "1 a")); strings.Count(got, "\n") != 1 || !strings.Contains(got, "node=n1 in=configuration is=c") {
		t.Errorf("said: %s", got)
	}
	late := like("1 a", "1 a", "1 a")
	late[2].ClockAhead = time.Minute // it says that itself
	if got := said(late); strings.Count(got, "\n") != 1 || !strings.Contains(got, "alike again") {
		t.Errorf("said: %s", got)
	}
}

// TestUnlikeTheDatabase by its clock is each node by itself.
func TestUnlikeTheDatabase(t *testing.T) {
	t.Parallel()
	members := like("1 a", "1 a", "2 a")
	members[0].ClockAhead, members[2].ClockAhead = 1100*time.Millisecond, -time.Hour
	want := map[string][]server.NodeAspect{"0": {server.NodeClock}, "2": {server.NodeVersion, server.NodeClock}}
	if diff := cmp.Diff(want, unlike(members)); diff != "" {
		t.Error(diff)
	}
	if n := countUnlike(members)["clock"]; n != 2 {
		t.Errorf("counted %d", n)
	}
	if err := alike(members); err == nil || !strings.Contains(err.Error(), "n0 (+1.1 s), n2 (-3600.0 s): another time than the database; set the clocks") {
		t.Errorf("got %v", err)
	}
}

// TestAlikeNamesThem with the way out.
func TestAlikeNamesThem(t *testing.T) {
	t.Parallel()
	if err := alike(like("1 a", "1 a")); err != nil {
		t.Error(err)
	}
	err := alike(like("1 a", "1 b", "1 a", "2 a"))
	if err == nil || !strings.Contains(err.Error(), "n3: another version") || !strings.Contains(err.Error(), "n1: another configuration") || !strings.Contains(err.Error(), "reload each") {
		t.Errorf("got %v", err)
	}
}
