package notify

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// healthModel drives the health of an endpoint as its worker does, with crashes
// wherever something is saved or told.
type healthModel struct {
	rt       *rapid.T
	endpoint Endpoint
	now      time.Time
	health   *health
	disk     EndpointState
	// heard is what others were told last, empty before anything.
	heard string
	// full says that nothing can be told for now, late that they should have
	// heard meanwhile that it is well.
	full, late bool
}

// TestOthersAlwaysKnowHowAnEndpointStands: whatever it answers, whatever the
// operator does, and wherever pollwire crashes, others have heard that it fails
// where that was said, and that it is well where it was said to fail.
func TestOthersAlwaysKnowHowAnEndpointStands(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		e := Endpoint{
			Name: "ops", Enabled: true, MaxInFlight: 1,
			Retry:        RetryPolicy{MaxRetryAfter: 5 * time.Minute},
			Breaker:      Breaker{Failures: rapid.IntRange(0, 3).Draw(rt, "failures"), Cooldown: 10 * time.Second, MaxCooldown: time.Minute},
			DisableAfter: time.Duration(rapid.IntRange(0, 3).Draw(rt, "disable_after")) * 10 * time.Minute,
		}
		m := &healthModel{rt: rt, endpoint: e, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), disk: EndpointState{Name: "ops"}}
		m.crash()
		rt.Repeat(map[string]func(*rapid.T){
			"attempt": func(*rapid.T) { m.attempt() },
			"wait": func(*rapid.T) {
				m.now = m.now.Add(time.Duration(rapid.IntRange(1, 600).Draw(rt, "seconds")) * time.Second)
			},
			"full":   func(*rapid.T) { m.full = !m.full },
			"crash":  func(*rapid.T) { m.crash() },
			"enable": func(*rapid.T) { m.operator((*health).enable) },
			"resume": func(*rapid.T) { m.operator((*health).resume) },
			"pause":  func(*rapid.T) { m.operator(func(h *health, _ time.Time) { h.state.Paused = true }) },
			"":       func(*rapid.T) { m.check() },
		})
	})
}

func (m *healthModel) crash() { m.health = newHealth(&m.endpoint, m.disk, m.now) }

// fate reports whether pollwire crashes here.
func (m *healthModel) fate() bool { return rapid.IntRange(0, 7).Draw(m.rt, "fate") == 0 }

func (m *healthModel) save() {
	m.disk, m.health.saved = m.health.state, m.health.state
}

func (m *healthModel) operator(change func(*health, time.Time)) {
	change(m.health, m.now)
	m.save()
}

func (m *healthModel) attempt() {
	h := m.health
	if !h.postable(m.now) || h.most(0) == 0 {
		return
	}
	status := rapid.SampledFrom([]int{200, 200, 200, 400, 404, 410, 429, 500, 503, 0}).Draw(m.rt, "status")
	f := finding{probe: h.begin(), delivery: rapid.Int64Range(1, 3).Draw(m.rt, "delivery")}
	var err error
	if status == 0 {
		err = errRefused
	}
	var pause time.Duration
	if rapid.Bool().Draw(m.rt, "asks to wait") {
		pause = time.Minute
	}
	f.verdict = Judge(status, err, pause)
	f.verdict.Probe = f.probe
	f.dead = f.verdict.Counts && !f.probe && rapid.IntRange(0, 3).Draw(m.rt, "last") == 0
	h.end(f.probe)
	h.take(f, m.now)
	if m.fate() {
		m.crash()
		return
	}
	if h.changed() {
		m.save()
	}
	if f.dead && m.heard != EndpointFailing && m.heard != EndpointDisabled && m.disk.Untold == "" {
		m.rt.Fatalf("a delivery is dead, and nothing says so: %+v", m.disk)
	}
}

// check lets the worker keep its endpoint, unless it crashes on the way, and
// looks at what comes of it.
func (m *healthModel) check() {
	h := m.health
	h.recover(m.now)
	if h.changed() {
		if m.fate() {
			m.crash()
			return
		}
		m.save()
	}
	if h.state.Untold != "" {
		if m.full {
			m.late = m.late || h.state.Untold == EndpointRecovered
			return
		}
		m.hear(h.state.Untold)
		if m.fate() { // told, but not noted
			m.crash()
			return
		}
		h.told()
		m.save()
	}
	sick := m.heard == EndpointFailing || m.heard == EndpointDisabled
	s := h.state
	switch {
	case s.Told != sick:
		m.rt.Fatalf("others have heard %q, and told is %t", m.heard, s.Told)
	case s.Disabled && m.heard != EndpointDisabled:
		m.rt.Fatalf("disabled, and others have heard %q", m.heard)
	case s.Breaker(m.now) == BreakerOpen && !sick:
		m.rt.Fatalf("the breaker is open, and others have heard %q", m.heard)
	case s.Disabled && (!s.OpenUntil.IsZero() || s.Reason == "" || s.Since.IsZero()):
		m.rt.Fatalf("state of a disabled endpoint: %+v", s)
	case !sick && (s.Reason != "" || !s.Since.IsZero()):
		m.rt.Fatalf("nothing is wrong, and yet: %+v", s)
	}
}

// hear is told in the order that there can be. What was told right before a
// crash may be told once more.
func (m *healthModel) hear(alert string) {
	sick := m.heard == EndpointFailing || m.heard == EndpointDisabled
	switch {
	case alert == m.heard:
	case alert == EndpointFailing && sick && !m.late, alert == EndpointRecovered && !sick:
		m.rt.Fatalf("told %q after %q", alert, m.heard)
	}
	m.heard, m.late = alert, false
}
