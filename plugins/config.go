package plugins

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/mwlua/mwlua/plugins/proto"
)

// schemaOf is the JSON Schema of the configuration.
func schemaOf[C any]() (*jsonschema.Schema, error) {
	schema, err := jsonschema.For[C](nil)
	if err != nil {
		return nil, fmt.Errorf("cannot describe the configuration: %w", err)
	}
	return schema, nil
}

// decode makes of text, a JSON object or nothing, a configuration, or says all that is wrong with it. The error is about the plugin.
func decode[C any](text string) (*C, []*proto.Problem, error) {
	schema, err := schemaOf[C]()
	if err != nil {
		return nil, nil, err
	}
	if text == "" {
		text = "{}"
	}
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return nil, problem("", "is no JSON: %v", err), nil
	}
	if problems := compare(schema, value, ""); len(problems) > 0 {
		return nil, problems, nil
	}
	config := new(C)
	if err := json.Unmarshal([]byte(text), config); err != nil { // a type that decodes itself, or a number that is too large
		return nil, problem(placeOf(err), "%v", err), nil
	}
	if c, ok := any(config).(interface{ Check() error }); ok {
		if err := c.Check(); err != nil {
			return nil, problem("", "%v", err), nil
		}
	}
	return config, nil, nil
}

// placeOf is the field that err of encoding/json is about, if it says so.
func placeOf(err error) string {
	if wrong, ok := err.(*json.UnmarshalTypeError); ok {
		return wrong.Field
	}
	return ""
}

func problem(path, format string, args ...any) []*proto.Problem {
	return []*proto.Problem{{Path: path, Message: fmt.Sprintf(format, args...)}}
}

// compare says where value does not have the shape of schema, as far as a Go type gives one: the library stops at the first
// difference, and names a place in the schema instead of the value.
func compare(schema *jsonschema.Schema, value any, path string) (problems []*proto.Problem) {
	if types := typesOf(schema); len(types) > 0 && !slices.ContainsFunc(types, func(t string) bool { return isOf(t, value) }) {
		return problem(path, "expected %s, got %s", strings.Join(types, " or "), nameOf(value))
	}
	switch value := value.(type) {
	case map[string]any:
		return compareObject(schema, value, path)
	case []any:
		for i, v := range value {
			if schema.Items != nil {
				problems = append(problems, compare(schema.Items, v, fmt.Sprintf("%s[%d]", path, i))...)
			}
		}
	}
	return problems
}

func compareObject(schema *jsonschema.Schema, object map[string]any, path string) (problems []*proto.Problem) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		switch at := join(path, key); {
		case schema.Properties[key] != nil:
			problems = append(problems, compare(schema.Properties[key], object[key], at)...)
		case closed(schema):
			known := slices.Sorted(maps.Keys(schema.Properties))
			problems = append(problems, problem(at, "unknown key (known are: %s)", strings.Join(known, ", "))...)
		case schema.AdditionalProperties != nil:
			problems = append(problems, compare(schema.AdditionalProperties, object[key], at)...)
		}
	}
	for _, key := range schema.Required {
		if _, ok := object[key]; !ok {
			problems = append(problems, problem(join(path, key), "is required")...)
		}
	}
	return problems
}

// closed says whether an object has no keys but those that are named: the schema for all others is the one that nothing fits.
func closed(schema *jsonschema.Schema) bool {
	return schema.AdditionalProperties != nil && schema.AdditionalProperties.Not != nil
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func typesOf(schema *jsonschema.Schema) []string {
	if schema.Type != "" {
		return []string{schema.Type}
	}
	return schema.Types
}

// isOf says whether value is of a type of JSON Schema.
func isOf(t string, value any) bool {
	if n, ok := value.(float64); ok && t == "integer" {
		return n == float64(int64(n))
	}
	return t == nameOf(value)
}

// nameOf is the type of value as JSON Schema names it.
func nameOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}
