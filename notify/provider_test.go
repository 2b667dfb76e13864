package notify

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The example of GitHub's documentation.
func TestGitHubSignatureOfTheDocumentation(t *testing.T) {
	t.Parallel()
	got := signGitHub("It's a Secret to Everybody", []byte("Hello, World!"))
	if want := "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"; got != want {
		t.Errorf("signed %q, want %q", got, want)
	}
}

func TestProvidersSignByTheTextOfTheSecret(t *testing.T) {
	t.Parallel()
	now := time.Unix(1767323045, 0)
	body := []byte(`{"a":1}`)
	first, second, private := mustSecret(t, vectorSecret), mustSecret(t, GenerateSecret()), mustSecret(t, vectorPrivate)
	over := mustSecret(t, GenerateSecret())
	over.Until = now
	secrets := []Secret{private, over, first, second, {}}
	header := make(http.Header)
	for _, p := range []Provider{GitHub, Stripe} {
		if err := p.sign(header, now, body, secrets); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := header.Get("X-Hub-Signature-256"), signGitHub(vectorSecret, body); got != want {
		t.Errorf("GitHub's header is %q, want the first live shared secret's %q", got, want)
	}
	parts := strings.Split(header.Get("Stripe-Signature"), ",")
	if len(parts) != 3 || parts[0] != "t=1767323045" {
		t.Fatalf("Stripe's header is %q", parts)
	}
	for i, s := range []Secret{first, second} {
		if want := signStripe([]string{s.reveal().text}, now, body); want != parts[0]+","+parts[i+1] {
			t.Errorf("Stripe's header is %q, want %q in it", parts, want)
		}
	}
}

func TestProvidersSignNothingWithoutASharedSecret(t *testing.T) {
	t.Parallel()
	now := time.Now()
	over := mustSecret(t, vectorSecret)
	over.Until = now
	for _, p := range []Provider{GitHub, Stripe} {
		header := make(http.Header)
		err := p.sign(header, now, nil, []Secret{over, mustSecret(t, vectorPrivate)})
		if !errors.Is(err, ErrNoSecret) || !strings.Contains(err.Error(), "also_sign "+string(p)) || len(header) != 0 {
			t.Errorf("%s: sign gave %v, %v", p, err, header)
		}
	}
	if err := Provider("gitlab").sign(make(http.Header), now, nil, []Secret{mustSecret(t, vectorSecret)}); err == nil {
		t.Error("an unknown provider signed")
	}
}

// fixedAnswer answers every POST with 204 and keeps its header.
type fixedAnswer struct{ header http.Header }

func (f *fixedAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	f.header = r.Header
	return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func TestSendSignsForProvidersToo(t *testing.T) {
	t.Parallel()
	rt := &fixedAnswer{}
	e := testEndpoint(t, "ops")
	e.AlsoSign = []Provider{GitHub, Stripe}
	e.Header = http.Header{"x-hub-signature-256": {"forged"}}
	m := testMessage
	m.ContentType = "application/cloudevents+json; charset=utf-8"
	if attempt, verdict := NewSender(SenderOptions{Transport: rt}).Send(t.Context(), &e, m); verdict.Action != Deliver {
		t.Fatalf("Send gave %+v", attempt)
	}
	want := http.Header{
		"X-Hub-Signature-256": {signGitHub(vectorSecret, m.Body)},
		"Content-Type":        {m.ContentType},
	}
	for name, values := range want {
		if got := rt.header[name]; len(got) != 1 || got[0] != values[0] {
			t.Errorf("%s is %q, want %q", name, got, values)
		}
	}
	if timestamp := rt.header.Get(HeaderTimestamp); !strings.HasPrefix(rt.header.Get("Stripe-Signature"), "t="+timestamp+",v1=") {
		t.Errorf("Stripe's header is %q, want the timestamp %s of the attempt", rt.header.Get("Stripe-Signature"), timestamp)
	}
	if rt.header.Get(HeaderSignature) == "" {
		t.Error("the signature of Standard Webhooks is missing")
	}
}

func TestSendPostsUnsignedOnlyWhereNoSecretEverWas(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{FormatSlack, FormatDiscord, FormatTeams, FormatTemplate, FormatStandard, FormatCloudEvents, ""} {
		own := format == FormatStandard || format == FormatCloudEvents || format == ""
		rt := &fixedAnswer{}
		s := NewSender(SenderOptions{Transport: rt})
		e := testEndpoint(t, "ops")
		e.Format, e.Secrets = format, nil
		e.Header = http.Header{"webhook-signature": {"forged"}}
		_, verdict := s.Send(t.Context(), &e, testMessage)
		if got := verdict.Action == Deliver; got == own {
			t.Errorf("%q without a secret: %+v", format, verdict)
		}
		if rt.header.Get(HeaderSignature) != "" {
			t.Errorf("%q without a secret is signed %q", format, rt.header.Get(HeaderSignature))
		}
		e.Secrets = []Secret{mustSecret(t, vectorSecret)}
		e.Secrets[0].Until = time.Now()
		if attempt, verdict := s.Send(t.Context(), &e, testMessage); verdict != (Verdict{}) || !strings.Contains(attempt.Error, "no secret is live") {
			t.Errorf("%q with a secret that is over: %+v, %+v", format, attempt, verdict)
		}
	}
}

// Each attempt is signed for its own time, so that a late one is no replay.
func TestEachAttemptHasATimestampOfItsOwn(t *testing.T) {
	t.Parallel()
	e := testEndpoint(t, "ops")
	s := NewSender(SenderOptions{})
	target, err := s.target(&e)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Time{time.Unix(1767323045, 0), time.Unix(1767323050, 0)} {
		req, err := target.request(t.Context(), testMessage, at)
		if err != nil {
			t.Fatal(err)
		}
		if err := Verify(req.Header, testMessage.Body, e.Secrets, at, time.Second); err != nil {
			t.Errorf("at %s: %v", at, err)
		}
	}
}
