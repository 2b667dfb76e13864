package metrics

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// monitoring is where the alerts and the dashboard are that pollwire is shipped with.
const monitoring = "../../systemd/monitoring"

// shown is an expression of the alerts or the dashboard.
type shown struct {
	where, expr string
	// texts are what is said of its series, with their labels.
	texts []string
}

// alertFile is what is read of the alerts.
type alertFile struct {
	Groups []struct {
		Rules []struct {
			Alert, Expr string
			Labels      map[string]string
			Annotations map[string]string
		}
	}
}

func mustReadAlerts(t *testing.T) (file alertFile, all []shown) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(monitoring, "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, r := range file.Groups[0].Rules {
		all = append(all, shown{r.Alert, r.Expr, []string{r.Annotations["summary"], r.Annotations["description"]}})
	}
	return file, all
}

// dashboard is what is read of the dashboard.
type dashboard struct {
	Panels []struct {
		ID      int
		Type    string
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr, LegendFormat string }
	}
	Annotations struct{ List []struct{ Expr string } }
	Templating  struct {
		List []struct{ Definition string }
	}
}

func mustReadDashboard(t *testing.T) (d dashboard, all []shown) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(monitoring, "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, shown{"panel " + p.Title, target.Expr, []string{target.LegendFormat}})
		}
	}
	for _, a := range d.Annotations.List {
		all = append(all, shown{where: "annotation", expr: a.Expr})
	}
	return d, all
}

var (
	nameInExpr   = regexp.MustCompile(`\b(?:pollwire|go|process|promhttp)_[a-z_]+`)
	labelInText  = regexp.MustCompile(`\{\{\s*(?:\$labels\.)?([a-z]+)\s*\}\}`)
	labelInExpr  = regexp.MustCompile(`([a-z]+)(?:=|!=|=~|!~)"`)
	labelsOfBy   = regexp.MustCompile(`(?:by|on) \(([a-z, ]+)\)`)
	valueInExpr  = regexp.MustCompile(`(outcome|state|code|operation|endpoint)(?:=|!=|=~|!~)"([^"$]+)"`)
	seriesInText = regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? `)
	labelsOfLine = regexp.MustCompile(`([a-z]+)="([^"]*)"`)
)

// labelsTold are the labels of each name that is told, with their values.
func labelsTold(text string) map[string]map[string][]string {
	told := make(map[string]map[string][]string)
	for _, m := range seriesInText.FindAllStringSubmatch(text, -1) {
		labels := told[m[1]]
		if labels == nil {
			labels = map[string][]string{"job": nil, "instance": nil}
			told[m[1]] = labels
		}
		for _, l := range labelsOfLine.FindAllStringSubmatch(m[2], -1) {
			labels[l[1]] = append(labels[l[1]], l[2])
		}
	}
	return told
}

// TestMonitoringShowsWhatIsTold: each name, label and value in the alerts and the
// dashboard is one of those that the daemon tells.
func TestMonitoringShowsWhatIsTold(t *testing.T) {
	t.Parallel()
	told := labelsTold(scrape(t, busy(busyQueue())))
	_, all := mustReadAlerts(t)
	_, more := mustReadDashboard(t)
	for _, s := range append(all, more...) {
		labels := make(map[string][]string)
		names := nameInExpr.FindAllString(s.expr, -1)
		for _, name := range names {
			if told[name] == nil {
				t.Errorf("%s: %s is not told", s.where, name)
			}
			for label, values := range told[name] {
				labels[label] = append(labels[label], values...)
			}
		}
		if len(names) == 0 && !strings.HasPrefix(s.expr, "up{") {
			t.Errorf("%s: no metric in %s", s.where, s.expr)
		}
		if strings.HasPrefix(s.expr, "up{") {
			continue // Prometheus's own
		}
		var used []string
		for _, m := range labelInExpr.FindAllStringSubmatch(s.expr, -1) {
			used = append(used, m[1])
		}
		for _, m := range labelsOfBy.FindAllStringSubmatch(s.expr, -1) {
			used = append(used, strings.Split(m[1], ", ")...)
		}
		for _, m := range labelInText.FindAllStringSubmatch(strings.Join(s.texts, " "), -1) {
			used = append(used, m[1])
		}
		for _, label := range used {
			if _, ok := labels[label]; !ok {
				t.Errorf("%s: what %s tells has no label %s", s.where, names, label)
			}
		}
		for _, m := range valueInExpr.FindAllStringSubmatch(s.expr, -1) {
			for _, value := range strings.Split(m[2], "|") {
				if !slices.Contains(labels[m[1]], value) {
					t.Errorf("%s: %s is never %q", s.where, m[1], value)
				}
			}
		}
	}
}

// TestEverythingToldIsShown: what nobody would look at need not be counted.
func TestEverythingToldIsShown(t *testing.T) {
	t.Parallel()
	_, all := mustReadAlerts(t)
	_, more := mustReadDashboard(t)
	seen := make(map[string]bool)
	for _, s := range append(all, more...) {
		for _, name := range nameInExpr.FindAllString(s.expr, -1) {
			seen[strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count")] = true
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (pollwire_\S+)`).FindAllStringSubmatch(scrape(t, busy(busyQueue())), -1) {
		if !seen[m[1]] {
			t.Errorf("%s is in no alert and on no panel", m[1])
		}
	}
}

// TestDashboardIsWhole: no panel lies on another one, and each has its own number.
func TestDashboardIsWhole(t *testing.T) {
	t.Parallel()
	d, _ := mustReadDashboard(t)
	taken, ids := make(map[string]string), make(map[int]bool)
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" || p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %d %q", p.ID, p.Title)
		}
		ids[p.ID] = true
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%s is wider than the page", p.Title)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				place := fmt.Sprint(p.GridPos.X+x, " ", p.GridPos.Y+y)
				if other, ok := taken[place]; ok {
					t.Fatalf("%s lies on %s", p.Title, other)
				}
				taken[place] = p.Title
			}
		}
	}
}

// promtool runs Prometheus's own tool.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian package prometheus)")
	}
	if out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", args, err, out)
	}
}

// TestAlertsAreRaised has Prometheus take the alerts, raise each of them by the
// numbers that must, and none for a daemon that is well.
func TestAlertsAreRaised(t *testing.T) {
	t.Parallel()
	const raised = "testdata/alerts_test.yaml"
	text, err := os.ReadFile(raised)
	if err != nil {
		t.Fatal(err)
	}
	file, _ := mustReadAlerts(t)
	for _, r := range file.Groups[0].Rules {
		if !strings.Contains(string(text), "exp_labels: {job: \"pollwire\"") || !strings.Contains(string(text), "- alertname: "+r.Alert+"\n") {
			t.Errorf("%s is never raised in %s", r.Alert, raised)
		}
		if !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]) || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s lacks a severity, a summary or a description", r.Alert)
		}
	}
	promtool(t, "check", "rules", filepath.Join(monitoring, "alerts.yaml"))
	promtool(t, "test", "rules", raised)
}

// TestDashboardExpressionsCanBeRead by Prometheus, once Grafana has filled them in.
func TestDashboardExpressionsCanBeRead(t *testing.T) {
	t.Parallel()
	_, all := mustReadDashboard(t)
	fill := strings.NewReplacer("$__rate_interval", "5m", "$job", "pollwire", "$instance", ".*")
	type rule struct {
		Record string `yaml:"record"`
		Expr   string `yaml:"expr"`
	}
	type group struct {
		Name  string `yaml:"name"`
		Rules []rule `yaml:"rules"`
	}
	g := group{Name: "dashboard"}
	for i, s := range all {
		g.Rules = append(g.Rules, rule{fmt.Sprint("panel:", i), fill.Replace(s.expr)})
	}
	text, err := yaml.Marshal(map[string][]group{"groups": {g}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", path)
}
