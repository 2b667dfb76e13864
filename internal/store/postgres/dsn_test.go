package postgres

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://u:topsecret@h/d": "",
		"postgres://u:topsecret@h:5432,i:5433/d?sslmode=require&pool_max_conns=4&target_session_attrs=read-write": "",
		"postgresql://u@/d?host=/run/postgresql":                                   "",
		"postgres://u:topsecret@h/d?sslmode=maybe":                                 "storage.dsn cannot be used: ",
		"postgres://u:topsecret@h:port/d":                                          "storage.dsn cannot be used: ",
		"postgres://u:topsecret@h/d?connect_timeout=soon":                          "storage.dsn cannot be used: ",
		"postgres://u:topsecret@h/d?pool_max_conns=topsecret":                      "storage.dsn ",
		"postgres://u:topsecret@h/d?sslmode=verify-full&sslrootcert=/no/such/file": "storage.dsn cannot be used: ",
		"postgres://u:top%secret@h/d":                                              "storage.dsn ",
		"postgres://u:topsecret@h@i:x/d":                                           "storage.dsn ",
	} {
		err := Check(dsn)
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", dsn, err, want)
		}
		if err != nil {
			t.Log(err)
		}
	}
}

// TestNameOf names all servers that a DSN names, once each, and no password.
func TestNameOf(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://u:topsecret@h/d":                                "postgres://u@h:5432/d",
		"postgres://u:topsecret@h/d?sslmode=disable":                "postgres://u@h:5432/d",
		"postgres://u:topsecret@h,i:5433/d":                         "postgres://u@h:5432,i:5433/d",
		"postgres://u:topsecret@h,i,[::1]:1/d?sslmode=disable":      "postgres://u@h:5432,i:5432,[::1]:1/d",
		"host=h,i port=1,2 user=u password=topsecret dbname=d":      "postgres://u@h:1,i:2/d",
		"postgres://u:topsecret@h:1,h:2/d?target_session_attrs=any": "postgres://u@h:1,h:2/d",
	} {
		c, err := parseDSN(dsn)
		must(t, err)
		if got := nameOf(c.ConnConfig); got != want {
			t.Errorf("%s is called %s, want %s", dsn, got, want)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"postgres://u:%s@h/d", "postgres://u:%s@h:x/d", "postgres://h/d?password=%s&sslmode=x", "host=h password=%s sslmode=x", "postgres://u:%s@h@i:x/d?connect_timeout=y"} {
		before, after, _ := strings.Cut(s, "%s")
		f.Add(before, after)
	}
	const secret = "hunter2hunter2"
	f.Fuzz(func(t *testing.T, before, after string) {
		if !strings.HasSuffix(before, ":") && !strings.HasSuffix(before, "password=") {
			return // it may be anything, such as a file that is not there
		}
		if err := Check(before + secret + after); err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("shown: %v", err)
		}
	})
}
