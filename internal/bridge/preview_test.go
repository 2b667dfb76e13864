package bridge

import (
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/poller"
)

// dump is all that a database holds.
func (r *rig) dump() string {
	r.t.Helper()
	db, err := sql.Open("sqlite", "file:"+r.path+"?mode=ro")
	if err != nil {
		r.t.Fatalf("open: %v", err)
	}
	defer db.Close()
	var out strings.Builder
	for _, table := range r.column(db, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
		columns := strings.Join(r.column(db, "SELECT 'quote(' || name || ')' FROM pragma_table_info('"+table+"')"), "||','||")
		for _, row := range r.column(db, "SELECT "+columns+" FROM "+table+" ORDER BY 1") {
			fmt.Fprintf(&out, "%s %s\n", table, row)
		}
	}
	return out.String()
}

// column reads a query of one column.
func (r *rig) column(db *sql.DB, query string) (values []string) {
	r.t.Helper()
	rows, err := db.QueryContext(r.t.Context(), query)
	if err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			r.t.Fatalf("%s: %v", query, err)
		}
		values = append(values, value)
	}
	if err := rows.Err(); err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
	return values
}

// preview previews an answer in full, as a preview always is.
func (r *rig) preview(contentType, body string) (Preview, error) {
	return r.bridge.Preview(r.t.Context(), &poller.Observation{
		Source: "shop", At: time.Now(), ContentType: contentType, Body: []byte(body), State: poller.State{RawHash: sha256.Sum256([]byte(body))},
	})
}

// TestPreviewChangesNothing: neither on disk nor in memory, whatever it finds;
// and what it finds is what then happens.
func TestPreviewChangesNothing(t *testing.T) {
	t.Parallel()
	for _, source := range []Source{list(), newest()} {
		s := source
		s.FailureThreshold = 1
		r := newRig(t, s)
		for _, step := range []struct {
			body string
			want Outcome
		}{
			{items(1, 4), Baseline},
			{items(1, 4), Unchanged},
			{`{"data":[{"id":1,"noise":1},{"id":2},{"id":3},{"id":4}]}`, Unchanged},
			{items(3, 6), Changed},
			{`{"data":[{"id":1},{"id":2,"v":2},{"id":3},{"id":5}]}`, Changed},
		} {
			r.bridge.Fail(t.Context(), "shop", errUpstream)
			if r.row().Version > 0 {
				if err := r.bridge.AcceptRemoval(t.Context(), "shop"); err != nil {
					t.Fatal(err)
				}
			}
			r.news()
			r.woken = nil
			before, polled, memory := r.dump(), r.polled, r.bridge.roster.Load().states["shop"].row
			preview, err := r.preview("application/json", step.body)
			if err != nil || preview.Outcome != step.want {
				t.Fatalf("%s: %s, %v, want %s", step.body, preview.Outcome, err, step.want)
			}
			if d := cmp.Diff(before, r.dump()); d != "" || r.woken != nil || r.bridge.roster.Load().states["shop"].row != memory || r.polled != polled {
				t.Errorf("%s: woken %v; database (-before +after):\n%s", step.body, r.woken, d)
			}
			events := r.mustPoll(step.body)
			if n := len(events); n > 0 && events[n-1].Type == "pollwire.source.recovered" {
				events = events[:n-1] // is no change
			}
			if len(events) != len(preview.Events) {
				t.Fatalf("%s: %d events, previewed %d", step.body, len(events), len(preview.Events))
			}
			for i, e := range preview.Events {
				if !strings.HasPrefix(e.ID, "test_") || len(e.Tell) != 1 || e.Sequence != events[i].Sequence ||
					e.Type != events[i].Type || string(e.Data) != string(events[i].Data) {
					t.Errorf("%s: previewed %+v, not %+v", step.body, e, events[i])
				}
			}
		}
	}
}

func TestPreviewOfWhatFails(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	if p, err := r.bridge.Preview(t.Context(), &poller.Observation{Source: "shop", Unchanged: true}); err != nil || p.Outcome != Unchanged {
		t.Errorf("%+v, %v", p, err)
	}
	r.mustPoll(items(1, 10))
	var removal *RemovalError
	if _, err := r.preview("application/json", items(1, 1)); !errors.As(err, &removal) {
		t.Errorf("mass removal: %v", err)
	}
	if _, err := r.preview("text/html", "<h1>"); !errors.Is(err, errListOfText) {
		t.Errorf("error page: %v", err)
	}
	r.source.RequestKey = "another"
	r.restart()
	p, err := r.preview("application/json", items(1, 1))
	if err != nil || p.Outcome != Rebaselined || len(p.Events) != 1 || p.Events[0].Sequence != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	if row := r.row(); row.Version != 1 || row.RequestKey != "request" {
		t.Errorf("row %+v", row)
	}
}

// TestPreviewKeepsNoBody: the buffer goes back before the preview is sent.
func TestPreviewKeepsNoBody(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(items(1, 1))
	o := r.observation("application/json", items(1, 2))
	preview, err := r.bridge.Preview(t.Context(), o)
	if err != nil || len(preview.Events) != 1 {
		t.Fatalf("%+v, %v", preview, err)
	}
	data := string(preview.Events[0].Data)
	clear(o.Body)
	if string(preview.Events[0].Data) != data {
		t.Error("the preview shares the buffer of the body")
	}
}
