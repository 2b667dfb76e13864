package config

import (
	"maps"
	"os"
)

// goodSecret is a signing secret that nobody uses.
const goodSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// otherSecret is a second one.
const otherSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"

// fakeLookup is a small environment, so that no test needs the real one.
func fakeLookup() Lookup {
	return lookupOf(map[string]string{
		"GITHUB_TOKEN":           "ghp_topsecret",
		"SHOP_KEY":               "shop-topsecret",
		"SUPPLIER_PASSWORD":      "pass-topsecret",
		"PROXY_PASSWORD":         "proxy-topsecret",
		"BILLING_CLIENT_SECRET":  "billing-topsecret",
		"CALENDAR_CLIENT_SECRET": "calendar-topsecret",
		"CALENDAR_REFRESH_TOKEN": "refresh-topsecret",
		"BUILDING_PASSWORD":      "building-topsecret",
		"OPS_SECRET":             goodSecret,
		"OPS_OLD_SECRET":         otherSecret,
		"OPS_TOKEN":              "ops-topsecret",
		"WAREHOUSE_SECRET":       otherSecret,
		"SLACK_HOOK":             "T000/B000/slack-topsecret",
		"TWILIO_ACCOUNT":         "AC-topsecret",
		"TWILIO_TOKEN":           "twilio-topsecret",
		"SHOP_POKE":              "poke-topsecret-of-the-shop",
		"EMPTY":                  "",
		"PORT":                   "8470",
		"INTERVAL":               "90s",
		"YAML":                   "{a: [1, 2]}",
		"REFERENCE":              "${GITHUB_TOKEN}",
		"BROKEN":                 "line one\nline two",
		"CREDENTIALS_DIRECTORY":  "/run/credentials/pollwire.service",
	}, map[string]string{
		"/run/credentials/pollwire.service/pollwire_api-token":     "api-topsecret\n",
		"/run/credentials/pollwire.service/pollwire_metrics-token": "metrics-topsecret\n",
		"/run/credentials/pollwire.service/pollwire_key":           "an-encryption-key-that-is-topsecret\n",
		"/run/secrets/token":           "file-topsecret\r\n",
		"/etc/pollwire/company-ca.pem": pemFile("ca.pem"),
		"/etc/pollwire/client.pem":     pemFile("client.pem"),
		"/etc/pollwire/client.key":     pemFile("client.key"),
		"/etc/pollwire/other.key":      pemFile("other.key"),
		"/etc/pollwire/encrypted.key":  pemFile("encrypted.key"),
		"/etc/pollwire/both.pem":       pemFile("ca.pem") + pemFile("other.key"),
		"/etc/pollwire/empty.pem":      "",
	})
}

// pemFile is a key or a certificate that serves these tests only.
func pemFile(name string) string {
	data, err := os.ReadFile("testdata/pem/" + name)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func lookupOf(env, files map[string]string) Lookup {
	env, files = maps.Clone(env), maps.Clone(files)
	return Lookup{
		Env: func(name string) (string, bool) {
			value, ok := env[name]
			return value, ok
		},
		File: func(path string) ([]byte, error) {
			content, ok := files[path]
			if !ok {
				return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
			}
			return []byte(content), nil
		},
	}
}
