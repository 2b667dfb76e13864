package daemon

import (
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/poller"
)

// auth are the credentials of a source, nil for none.
func auth(a *config.Auth) (poller.Auth, error) {
	switch {
	case a.Bearer != nil:
		return poller.Bearer{Token: a.Bearer.Token.Reveal()}, nil
	case a.Basic != nil:
		return poller.Basic{Username: a.Basic.Username.Reveal(), Password: a.Basic.Password.Reveal()}, nil
	case a.APIKey != nil:
		return poller.APIKey{Name: a.APIKey.Name, In: poller.Place(a.APIKey.In), Value: a.APIKey.Value.Reveal()}, nil
	case a.ClientCredentials != nil:
		c := a.ClientCredentials
		return poller.OAuth2ClientCredentials{
			TokenURL:     c.TokenURL.Reveal(),
			ClientID:     c.ClientID.Reveal(),
			ClientSecret: c.ClientSecret.Reveal(),
			Scopes:       c.Scopes,
			Params:       c.Params.Values(),
		}, nil
	case a.RefreshToken != nil:
		r := a.RefreshToken
		return poller.OAuth2RefreshToken{
			TokenURL:     r.TokenURL.Reveal(),
			ClientID:     r.ClientID.Reveal(),
			ClientSecret: r.ClientSecret.Reveal(),
			RefreshToken: r.RefreshToken.Reveal(),
			Scopes:       r.Scopes,
		}, nil
	case a.Login != nil:
		return login(a.Login)
	}
	return nil, nil //nolint:nilnil // a source may need none
}

func login(l *config.Login) (poller.Auth, error) {
	r := &l.Request
	u, err := address(r.URL, r.Params)
	if err != nil {
		return nil, err
	}
	header := r.Headers.Header()
	name, value := l.HeaderParts()
	return poller.Login{
		Method:      r.Method,
		URL:         u,
		Body:        body(header, r.Body, r.JSON), // it sets the type in header
		Header:      header,
		TokenPath:   l.TokenPath,
		ExpiresPath: l.ExpiresInPath,
		Lifetime:    time.Duration(l.ExpiresIn),
		Name:        name,
		Value:       value,
	}, nil
}
