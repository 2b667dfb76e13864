package recipe

import (
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"
)

// shop is a recipe with a setting in every place that one can stand in.
const shop = `# Shop: orders, and what becomes of them
#
# Orders of Müller's ${NAME}.
#
# docs: https://shop.example.com/docs
# limit: 10 requests a second
# secret: SHOP_KEY a key that may read
#   orders
# set: SHOP_REGION where the shop is
# set: SHOP_LIMIT from which total on
# tried: a fake

rate_limits:
  - {name: shop, requests: 10, per: 1s}

sources:
  - name: shop-orders   # für Müller, not shop-orders
    schedule: "@every 1m"
    request:
      url: https://${SHOP_REGION}.shop.example.com/orders
      params: {region: "${SHOP_REGION}", ü: "${SHOP_REGION:-eu}", literal: "$${SHOP_REGION}"}
      headers: {X-Region: 'in ${SHOP_REGION}'}
      json:
        region: ${SHOP_REGION}
    auth: {type: bearer, token: "${SHOP_KEY}"}
    rate_limit: shop
    notify: [shop, "shop-team", shopping]
    when: 'item.total > ${SHOP_LIMIT:-100}'
  - {name: "shop", formerly: shop-old, rate_limit: {requests: 1, per: 1s}, notify: []}
`

func mustParse(t rapid.TB, text string) *Recipe {
	t.Helper()
	r, err := parse("shop", strings.ReplaceAll(text, " ${NAME}", ""))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFill(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		values map[string]string
		has    []string
		lacks  []string
	}{
		"a word": {
			map[string]string{"SHOP_REGION": "eu-1"},
			[]string{
				"url: https://eu-1.shop.example.com/orders\n", `region: "eu-1", ü: "eu-1", literal: "$${SHOP_REGION}"`,
				"'in eu-1'", "region: eu-1\n", "# secret: SHOP_KEY a key that may read\n#   orders\n# set: SHOP_LIMIT",
			},
			[]string{"set: SHOP_REGION", " ${SHOP_REGION}"},
		},
		"what YAML would take for a number": {map[string]string{"SHOP_REGION": "010"}, []string{`        region: "010"` + "\n", `region: "010"`}, nil},
		"what YAML would take for nothing":  {map[string]string{"SHOP_REGION": "null"}, []string{`        region: "null"` + "\n"}, nil},
		"what YAML would take for a key":    {map[string]string{"SHOP_REGION": "a: b"}, []string{`        region: "a: b"` + "\n"}, nil},
		"a list":                            {map[string]string{"SHOP_REGION": "a, b"}, []string{`        region: "a, b"` + "\n"}, nil},
		"a number in an expression":         {map[string]string{"SHOP_LIMIT": "250"}, []string{"when: 'item.total > 250'"}, []string{"SHOP_LIMIT"}},
		"a secret in a credential": {
			map[string]string{"SHOP_KEY": "${credential:shop-key}"},
			[]string{`token: "${credential:shop-key}"`},
			[]string{"SHOP_KEY", "#   orders"},
		},
		"a secret in another variable": {
			map[string]string{"SHOP_KEY": "${SECOND_KEY}"},
			[]string{`token: "${SECOND_KEY}"`, "# secret: SECOND_KEY a key that may read\n#   orders\n"},
			[]string{"SHOP_KEY"},
		},
		"a secret in a file":   {map[string]string{"SHOP_KEY": "${file:/run/shop}"}, []string{`token: "${file:/run/shop}"`}, nil},
		"two in one variable":  {map[string]string{"SHOP_KEY": "${BOTH}", "SHOP_REGION": "${BOTH}"}, []string{"# secret: BOTH a key"}, []string{"# set: BOTH"}},
		"one that is named":    {map[string]string{"SHOP_KEY": "${SHOP_REGION}"}, []string{"# set: SHOP_REGION where"}, []string{"secret:"}},
		"what would be a flow": {map[string]string{"SHOP_REGION": "${file:/a}"}, []string{"url: https://${file:/a}.shop.example.com/orders\n"}, nil},
	} {
		got, err := mustParse(t, shop).Fill(tc.values)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, part := range tc.has {
			if !strings.Contains(got.Text, part) {
				t.Errorf("%s: there is no %q in\n%s", name, part, got.Text)
			}
		}
		for _, part := range tc.lacks {
			if strings.Contains(got.Text, part) {
				t.Errorf("%s: there is %q in\n%s", name, part, got.Text)
			}
		}
	}
}

func TestFillRefuses(t *testing.T) {
	t.Parallel()
	for want, values := range map[string]map[string]string{
		"shop has no setting SHOP_KAY; it has SHOP_KEY, SHOP_REGION, SHOP_LIMIT":                                                                         {"SHOP_KAY": "x"},
		"SHOP_KEY is a secret, which stands in no file: leave it to the environment, or say where it is, such as SHOP_KEY='${credential:pollwire_FILE}'": {"SHOP_KEY": "sk-123"},
		"SHOP_REGION is empty: give it a value, or leave it to the environment":                                                                          {"SHOP_REGION": " "},
		"leave it to the environment: export SHOP_REGION=":                                                                                               {"SHOP_REGION": `a"b`},
		"SHOP_REGION holds characters": {"SHOP_REGION": "a\nb"},
		"SHOP_LIMIT holds characters":  {"SHOP_LIMIT": "x${Y}"},
		"SHOP_REGION holds":            {"SHOP_REGION": "eu "},
	} {
		got, err := mustParse(t, shop).Fill(values)
		if err == nil {
			t.Errorf("%v is taken:\n%s", values, got.Text)
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sk-123") {
			t.Errorf("%v: %v, want %q", values, err, want)
		}
	}
	none := mustParse(t, "# A: b\n# docs: x\n# limit: x\n# tried: x\nsources: []\n")
	if _, err := none.Fill(map[string]string{"A": "b"}); err == nil || err.Error() != "shop has no setting A: it has none" {
		t.Errorf("a recipe without settings: %v", err)
	}
}

// TestFillSaysWhatTheEnvironmentWould: whatever is put in, the file says what it
// said, with the value in place of the reference, or the value is refused.
func TestFillSaysWhatTheEnvironmentWould(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(
			rapid.String(),
			rapid.StringMatching(`[\p{L}\p{N} ._~/@:+,=-]{1,12}`),
			rapid.SampledFrom([]string{"true", "1e3", "~", "-", "- a", "2026-01-02", "0x1f", ".inf", "a: b", "@x", "=", ",", "a:", "/ #", "12:30:45", "<<"}),
		).Draw(t, "value")
		r := mustParse(t, shop)
		got, err := r.Fill(map[string]string{"SHOP_REGION": value})
		if err != nil {
			return
		}
		var file struct {
			Sources []struct {
				Request struct {
					URL     string
					Params  map[string]any
					Headers map[string]any
					JSON    map[string]any `yaml:"json"`
				}
			}
		}
		if err := yaml.Unmarshal([]byte(got.Text), &file); err != nil {
			t.Fatal(err)
		}
		request := file.Sources[0].Request
		for _, said := range [][2]any{
			{request.URL, "https://" + value + ".shop.example.com/orders"},
			{request.Params["region"], value},
			{request.Params["ü"], value},
			{request.Params["literal"], "$${SHOP_REGION}"},
			{request.Headers["X-Region"], "in " + value},
			{request.JSON["region"], value},
		} {
			if said[0] != said[1] {
				t.Errorf("the file says %q, want %q", said[0], said[1])
			}
		}
	})
}
