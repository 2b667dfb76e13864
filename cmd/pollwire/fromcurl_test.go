package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestInitFromCurl: the source that is written asks what the command asks, the
// credentials taken from the environment.
func TestInitFromCurl(t *testing.T) {
	requests, bodies := make(chan *http.Request, 1), make(chan string, 1)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		requests <- r
		bodies <- string(body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"data": []}`)
	}))
	defer api.Close()
	t.Setenv("ORDERS_USER", "me")
	t.Setenv("ORDERS_PASSWORD", "sesame")
	t.Setenv("ORDERS_API_KEY", "hush")
	t.Setenv("REGION", "eu")
	t.Chdir(t.TempDir()) // the configuration names no database, so that poll makes one here
	path := filepath.Join(t.TempDir(), "pollwire.yaml")
	command := `curl -s -u me:sesame "` + api.URL + `/v1/orders?status=open&tag=a%26b&tag=c" -H 'X-Literal: ${x}' \
  -H "X-Region: $REGION" --json '{"big": 12345678901234567890, "apiKey": "hush", "text": "ü \"1\" ${y}", "list": [1.50, null, true, {}]}' | jq .`
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"init", "--from-curl", "-", "-c", path}, strings.NewReader(command), &stdout, &stderr); code != exitOK {
		t.Fatalf("%d: %s", code, stderr.String())
	}
	result{exitOK, stdout.String(), stderr.String()}.want(t, exitOK, "conf.d/orders.yaml", "export ORDERS_PASSWORD=…", "the password of the curl command; a secret", "pollwire poll orders ")
	for _, secret := range []string{"sesame", "hush"} {
		if text, err := os.ReadFile(filepath.Join(filepath.Dir(path), "conf.d", "orders.yaml")); err != nil || strings.Contains(string(text)+stdout.String(), secret) {
			t.Errorf("a secret is written, %v:\n%s%s", err, text, stdout.String())
		}
	}
	pollwire(t, "poll", "orders", "-c", path).want(t, exitOK, "first look", "! so this command asks by itself")
	if len(requests) != 1 {
		t.Fatal("nothing was asked")
	}
	asked := <-requests
	user, password, _ := asked.BasicAuth()
	got := []string{
		asked.Method, asked.URL.Path, asked.URL.Query().Encode(), user, password, asked.Header.Get("X-Literal"), asked.Header.Get("X-Region"),
		asked.Header.Get("Content-Type"), asked.Header.Get("Accept"), <-bodies,
	}
	want := []string{
		"POST", "/v1/orders", "status=open&tag=a%26b&tag=c", "me", "sesame", "${x}", "eu",
		"application/json", "application/json", `{"big":12345678901234567890,"apiKey":"hush","text":"ü \"1\" ${y}","list":[1.50,null,true,{}]}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestInitFromCurlRefuses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.yaml")
	for _, tc := range []struct {
		code int
		says string
		args []string
	}{
		{exitFailed, "--from-curl: -F: a source sends no multipart form", []string{"curl -F a=b https://a.example"}},
		{exitFailed, "--from-curl: there is no command", []string{""}},
		{exitFailed, "--from-curl: there is no command", []string{"-"}},
		{exitFailed, `--from-curl: "A b" cannot be the name`, []string{"curl https://a.example", "--as", "A b"}},
		{exitFailed, "no such file", []string{"curl -d @" + path + " https://a.example"}},
		{exitUsage, "--from-curl takes the place of a recipe; where it is one command, it needs quotes", []string{"curl", "https://a.example"}},
		{exitUsage, "--set is for a recipe", []string{"curl https://a.example", "--set", "A=b"}},
		{exitUsage, "--list takes nothing else but --json", []string{"curl https://a.example", "--list"}},
	} {
		pollwire(t, append([]string{"init", "-c", path, "--from-curl"}, tc.args...)...).want(t, tc.code, "! "+tc.says)
	}
	got := pollwire(t, "init", "-c", path, "--from-curl", "curl", "-ume:sesame", "https://a.example")
	got.want(t, exitUsage, "! --from-curl takes one command: put it into quotes")
	if strings.Contains(got.stderr, "sesame") {
		t.Errorf("a password is told: %s", got.stderr)
	}
	pollwire(t, "init", "--nonsense").want(t, exitUsage, "! unknown flag: --nonsense")
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) > 0 {
		t.Errorf("something was written: %v, %v", entries, err)
	}
	pollwire(t, "init", "-c", path, "--from-curl", "curl https://a.example/x", "--as", "mine", "--print").want(t, exitOK, "  - name: mine\n")
}
