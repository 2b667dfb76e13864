package notify

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"pgregory.net/rapid"
)

func signedHeader(id string, at time.Time, body []byte, secrets ...Secret) http.Header {
	h := make(http.Header)
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	h.Set("webhook-signature", Sign(id, at, body, secrets))
	return h
}

func TestSignGivesTheFixedVector(t *testing.T) {
	t.Parallel()
	got := Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`),
		[]Secret{mustSecret(t, vectorSecret)})
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("Sign gave %q, want %q", got, want)
	}
}

// The vector of the Standard Webhooks documentation for asymmetric signatures.
const vectorPrivate = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="

func TestSignGivesTheFixedVectorOfEd25519(t *testing.T) {
	t.Parallel()
	const id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	at, body := time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`)
	private, shared := mustSecret(t, vectorPrivate), mustSecret(t, vectorSecret)
	got := Sign(id, at, body, []Secret{private, shared})
	want := "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==" +
		" v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got != want {
		t.Errorf("Sign gave %q, want %q", got, want)
	}
	public, err := ParseVerifier(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	if got := Sign(id, at, body, []Secret{public}); got != "" {
		t.Errorf("a public key signed %q", got)
	}
	for _, s := range []Secret{public, private, shared} {
		if err := Verify(signedHeader(id, at, body, private, shared), body, []Secret{s}, at, time.Minute); err != nil {
			t.Errorf("Verify gave %v", err)
		}
	}
}

func TestVerifyEd25519(t *testing.T) {
	t.Parallel()
	now := time.Unix(1767323045, 0)
	body := []byte(`{"a":1}`)
	private := mustSecret(t, vectorPrivate)
	good := Sign("evt_1", now, body, []Secret{private})
	crowd := func(n int) string { return strings.Repeat("v1a,AAAA ", n) + good }
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	other := Sign("evt_1", now, body, []Secret{mustSecret(t, "whsk_"+base64.StdEncoding.EncodeToString(key))})
	for name, tc := range map[string]struct {
		signature, body string
		want            error
	}{
		"good":            {good, string(body), nil},
		"after others":    {"v1,abc v1a,!! v1a,AAAA " + good, string(body), nil},
		"another key":     {other, string(body), ErrSignature},
		"altered body":    {good, `{"a":2}`, ErrSignature},
		"as version 1":    {"v1," + strings.TrimPrefix(good, "v1a,"), string(body), ErrSignature},
		"cut":             {good[:len(good)-4], string(body), ErrSignature},
		"among many":      {crowd(maxSignatures - 1), string(body), nil},
		"among too many":  {crowd(maxSignatures), string(body), ErrSignature},
		"signature empty": {"v1a,", string(body), ErrSignature},
	} {
		header := signedHeader("evt_1", now, body, private)
		header.Set("webhook-signature", tc.signature)
		if err := Verify(header, []byte(tc.body), []Secret{private}, now, time.Minute); !errors.Is(err, tc.want) {
			t.Errorf("%s: Verify gave %v, want %v", name, err, tc.want)
		}
	}
}

func TestSignUsesTheLiveSecretsInOrder(t *testing.T) {
	t.Parallel()
	now := time.Now()
	body := []byte(`{}`)
	a, b, c := mustSecret(t, GenerateSecret()), mustSecret(t, GenerateSecret()), mustSecret(t, GenerateSecret())
	b.Until = now // over
	c.Until = now.Add(time.Second)
	got := Sign("evt_1", now, body, []Secret{a, b, {}, c})
	want := Sign("evt_1", now, body, []Secret{a}) + " " + Sign("evt_1", now, body, []Secret{c})
	if got != want {
		t.Errorf("Sign gave %q, want %q", got, want)
	}
	if got := Sign("evt_1", now, body, []Secret{b}); got != "" {
		t.Errorf("Sign without a live secret gave %q", got)
	}
}

func TestOfficialLibraryVerifiesWhatIsSigned(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		id := rapid.StringMatching(`evt_[0-9A-Z]{26}`).Draw(rt, "id")
		body := []byte(rapid.String().Draw(rt, "body"))
		texts := []string{GenerateSecret(), GenerateSecret()}
		header := signedHeader(id, time.Now(), body, mustSecret(t, texts[0]), mustSecret(t, texts[1]))
		for _, text := range texts {
			official, err := standardwebhooks.NewWebhook(text)
			if err != nil {
				rt.Fatal(err)
			}
			if err := official.Verify(body, header); err != nil {
				rt.Fatalf("the official library says %v", err)
			}
			if err := Verify(header, body, []Secret{mustSecret(t, text)}, time.Now(), time.Minute); err != nil {
				rt.Fatalf("Verify says %v", err)
			}
		}
	})
}

func TestVerify(t *testing.T) {
	t.Parallel()
	now := time.Unix(1767323045, 0)
	body := []byte(`{"a":1}`)
	ours, other := mustSecret(t, GenerateSecret()), mustSecret(t, GenerateSecret())
	expired := ours
	expired.Until = now
	with := func(name, value string) http.Header {
		h := signedHeader("evt_1", now, body, ours)
		h.Set(name, value)
		return h
	}
	good := signedHeader("evt_1", now, body, ours).Get("webhook-signature")
	for name, tc := range map[string]struct {
		header  http.Header
		body    string
		secrets []Secret
		want    error
	}{
		"good":                  {with("x", ""), string(body), []Secret{ours}, nil},
		"second secret":         {with("x", ""), string(body), []Secret{other, ours}, nil},
		"second signature":      {with("webhook-signature", "v1,AAAA "+good), string(body), []Secret{ours}, nil},
		"unknown version first": {with("webhook-signature", "v1a,xyz v2,abc "+good), string(body), []Secret{ours}, nil},
		"spaces":                {with("webhook-signature", "  "+good+" "), string(body), []Secret{ours}, nil},
		"another secret":        {with("x", ""), string(body), []Secret{other}, ErrSignature},
		"expired secret":        {with("x", ""), string(body), []Secret{expired}, ErrSignature},
		"zero secret":           {with("x", ""), string(body), []Secret{{}}, ErrSignature},
		"no secrets":            {with("x", ""), string(body), nil, ErrSignature},
		"altered body":          {with("x", ""), `{"a":2}`, []Secret{ours}, ErrSignature},
		"altered id":            {with("webhook-id", "evt_2"), string(body), []Secret{ours}, ErrSignature},
		"altered timestamp":     {with("webhook-timestamp", strconv.FormatInt(now.Unix()+1, 10)), string(body), []Secret{ours}, ErrSignature},
		"version missing":       {with("webhook-signature", strings.TrimPrefix(good, "v1,")), string(body), []Secret{ours}, ErrSignature},
		"other version":         {with("webhook-signature", "v2"+strings.TrimPrefix(good, "v1")), string(body), []Secret{ours}, ErrSignature},
		"cut signature":         {with("webhook-signature", good[:len(good)-1]), string(body), []Secret{ours}, ErrSignature},
		"no id":                 {with("webhook-id", ""), string(body), []Secret{ours}, ErrNoSignature},
		"no timestamp":          {with("webhook-timestamp", ""), string(body), []Secret{ours}, ErrNoSignature},
		"no signature":          {with("webhook-signature", ""), string(body), []Secret{ours}, ErrNoSignature},
		"timestamp no number":   {with("webhook-timestamp", "today"), string(body), []Secret{ours}, ErrTimestamp},
		"timestamp fraction":    {with("webhook-timestamp", "1767323045.5"), string(body), []Secret{ours}, ErrTimestamp},
		"timestamp huge":        {with("webhook-timestamp", "9223372036854775807"), string(body), []Secret{ours}, ErrTimestamp},
		"timestamp hugely past": {with("webhook-timestamp", "-9223372036854775808"), string(body), []Secret{ours}, ErrTimestamp},
		"timestamp overflow":    {with("webhook-timestamp", "92233720368547758080"), string(body), []Secret{ours}, ErrTimestamp},
		"old":                   {signedHeader("evt_1", now.Add(-5*time.Minute), body, ours), string(body), []Secret{ours}, ErrTimestamp},
		"from the future":       {signedHeader("evt_1", now.Add(5*time.Minute), body, ours), string(body), []Secret{ours}, ErrTimestamp},
		"just in time":          {signedHeader("evt_1", now.Add(-299*time.Second), body, ours), string(body), []Secret{ours}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := Verify(tc.header, []byte(tc.body), tc.secrets, now, 5*time.Minute); !errors.Is(err, tc.want) {
				t.Errorf("Verify gave %v, want %v", err, tc.want)
			}
		})
	}
}

func FuzzVerify(f *testing.F) {
	secret, err := ParseSecret(vectorSecret)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", []byte(`{"test": 2432232314}`))
	private, err := ParseSecret(vectorPrivate)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("a", "1", "v1, v1,", []byte(nil))
	f.Add("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1a,"+
		"hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==", []byte(`{"test": 2432232314}`))
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		header := http.Header{HeaderID: {id}, HeaderTimestamp: {timestamp}, HeaderSignature: {signature}}
		now := time.Unix(1614265330, 0)
		if Verify(header, body, []Secret{secret, private}, now, time.Minute) != nil {
			return
		}
		// What passes is what we would have signed, and nothing else.
		seconds, err := strconv.ParseInt(timestamp, 10, 64)
		if err != nil {
			t.Fatalf("timestamp %q passed", timestamp)
		}
		for want := range strings.SplitSeq(Sign(id, time.Unix(seconds, 0), body, []Secret{secret, private}), " ") {
			if strings.Contains(signature, want) {
				return
			}
		}
		t.Errorf("%q passed", signature)
	})
}

func BenchmarkSign(b *testing.B) {
	body := []byte(strings.Repeat("x", 1<<10))
	secrets := []Secret{mustSecret(b, vectorSecret)}
	now := time.Now()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		Sign("evt_01JABCDEF0123456789ABCDEFG", now, body, secrets)
	}
}
