import Foundation
import GatehouseJSON
import Testing
import Text

@Suite struct ChatTemplateTests {
    /// template-reference.json comes from Python's jinja2; make_template_reference.py makes it again.
    @Test func outputIsThatOfJinja2() throws {
        guard
            case .dict(let reference) = JinjaValue(
                try JSONValue(parsing: ModelFile.fixture("template-reference.json"))),
            case .dict(let shared) = reference["shared"], case .list(let cases) = reference["cases"],
            case .list(let templates) = reference["templates"], case .list(let chats) = reference["chats"],
            case .list(let options) = reference["options"]
        else {
            Issue.record("the fixture is not what its script writes")
            return
        }
        // 2026-03-09 14:05:07, as in the script; strftime_now tells local time.
        let now = DateComponents(year: 2026, month: 3, day: 9, hour: 14, minute: 5, second: 7)
        let date = try #require(Calendar(identifier: .gregorian).date(from: now))
        #expect(cases.count > 600)
        for item in cases {
            guard case .dict(let fields) = item else { continue }
            var template = fields["template"]
            var variables = shared
            if case .int(let number) = template, case .int(let chat) = fields["chat"],
                case .int(let option) = fields["options"], case .dict(let own) = options[option]
            {
                template = templates[number]
                variables = own
                variables.set(.template("messages"), chats[chat])
            }
            guard case .string(let source) = template else {
                Issue.record("a case without a template")
                continue
            }
            let named = variables.entries.compactMap { entry -> (String, JinjaValue)? in
                if case .string(let name) = entry.key { (name.string, entry.value) } else { nil }
            }
            var found: String?
            var problem = ""
            do {
                let template = try ChatTemplate(source: source.string)
                found = try template.render(variables: Dictionary(uniqueKeysWithValues: named), now: date)
                    .string
            } catch {
                problem = "\(error)"
            }
            var expected: String?
            if case .string(let text) = fields["output"] { expected = text.string }
            // Compared as bytes: Swift holds canonically equivalent strings to be equal.
            #expect(
                found.map { Array($0.utf8) } == expected.map { Array($0.utf8) },
                "\(source.string)\nfound \(found ?? problem)\nexpected \(expected ?? "an error")")
        }
    }

    private func refusal(_ source: String, _ variables: [String: JinjaValue] = [:]) -> TemplateError? {
        do {
            _ = try ChatTemplate(source: source).render(variables: variables)
            return nil
        } catch {
            return error as? TemplateError
        }
    }

    @Test(arguments: [
        "{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}", "{% block x %}{% endblock %}",
        "{{ 1 | frobnicate }}", "{{ 1 is frobnicated }}", "{{ 'a'.encode() }}", "{{ [1].append(2) }}",
        "{{ '{a.b}'.format(a=1) }}",
    ])
    func whatIsNotRunIsRefusedByName(construct: String) throws {
        let error = try #require(refusal("one\ntwo\n\(construct)"))
        #expect(error.kind == .unsupported)
        #expect(error.line == 3)
        #expect(error.description.contains("is not supported"))
    }

    @Test func errorsCarryTheirLine() throws {
        #expect(refusal("a\n{{ 1 +\n}}")?.line == 3)
        #expect(refusal("a\nb\n{{ missing.name }}")?.line == 3)
        #expect(refusal("a\n{% if true %}\n{{ raise_exception('no such role') }}{% endif %}")?.line == 3)
        let raised = try #require(refusal("{{ raise_exception('no such role') }}"))
        #expect(raised.kind == .raised)
        #expect(raised.message == "no such role")
    }

    @Test(
        arguments: [
            "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}",
            "{{ 'x' * 10000000000 }}", "{{ [1] * 9223372036854775807 }}", "{{ range(10000000) }}",
            "{% for a in range(90000) %}{{ 'x' * 10000 }}{% endfor %}",
            "{% set a = 'x' * 4000 %}{{ a.replace('x', a).replace('x', a) }}",
            "{% set a = ['x' * 1000] * 100000 %}{{ a | join }}",
            "{{ 'a\n' | indent(9223372036854775807) }}",
            "{{ \(String(repeating: "(", count: 5000))1\(String(repeating: ")", count: 5000)) }}",
            "{{ \(String(repeating: "-", count: 5000))1 }}",
            "{{ 1\(String(repeating: " + 1", count: 5000)) }}",
            "{{ x\(String(repeating: "[0]", count: 5000)) }}",
            "{{ 1\(String(repeating: " if 1", count: 5000)) }}",
            String(repeating: "{% if 1 %}", count: 5000),
            String(repeating: " ", count: 300_000),
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
            "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{% if a() %}{% endif %}{% endmacro %}{{ a() }}",
            "{% macro m(x) %}{{ caller() }}{% call m(x) %}{{ caller }}{% endcall %}{% endmacro %}{% call m(1) %}{% endcall %}",
            "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}",
            "{% set ns = namespace(t='xxxxxxxx') %}{% for i in range(99) %}{% set ns.t = ns.t + ns.t %}{% endfor %}",
            "{% set ns = namespace(t=[1]) %}{% for i in range(99) %}{% set ns.t = ns.t + ns.t %}{% endfor %}",
            "{% set ns = namespace() %}{% set ns.self = ns %}{{ ns }}",
            "{% for i in range(99999) %}{% for j in range(99999) %}{% continue %}{% endfor %}{% endfor %}",
            "{% for i in range(99999) %}{% for j in range(999) %}{% macro m() %}{% endmacro %}{% endfor %}{% endfor %}",
            "{{ '%999999999d' % 1 }}", "{{ '{:>999999999}'.format(1) }}", "{{ 'x'.ljust(999999999) }}",
            "{{ 'x' | center(999999999999) }}", "{{ '%.999999999d' % 1 }}",
            "{% macro m(n) %}{{ m(n ~ n) }}{% endmacro %}{{ m('x' * 99999) }}",
        ].map(LongTemplate.init))
    func whatWouldNotEndIsStopped(template: LongTemplate) throws {
        let error = try #require(refusal(template.source))
        #expect(error.kind == .limit)
    }

    /// Rendering may run on a thread of the pool, whose stack is half a megabyte.
    @Test func nestingIsStoppedBeforeASmallStackEnds() async throws {
        let deepExpression = String(repeating: "(", count: 40) + "m(x)" + String(repeating: ")", count: 40)
        let sources = [
            "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}",
            "{% macro m(x) %}{{ \(deepExpression) }}{% endmacro %}{{ m(1) }}",
            "{% macro m(x) %}{{ [m(x)] | map('upper') | join }}{% endmacro %}{{ m(1) }}",
            "{% macro m(x) %}{% call m(x) %}{% endcall %}{{ caller }}{% endmacro %}{{ m(1) }}",
            "{% macro m(x) %}{% if 1 %}{% for y in [1] %}{% filter upper %}{{ m(x) }}{% endfilter %}{% endfor %}{% endif %}{% endmacro %}{{ m(1) }}",
            "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}",
        ]
        for source in sources {
            let error = await withCheckedContinuation { done in
                let thread = Thread {
                    do {
                        _ = try ChatTemplate(source: source).render(variables: [:])
                        done.resume(returning: nil as TemplateError?)
                    } catch {
                        done.resume(returning: error as? TemplateError)
                    }
                }
                thread.stackSize = 512 << 10
                thread.start()
            }
            #expect(error?.kind == .limit, "\(source.prefix(60))")
        }
    }

    @Test func valuesNestedWithoutEndAreStopped() {
        let source = "{% set a = [] %}" + String(repeating: "{% set a = [a] %}", count: 5000)
        #expect(refusal(source + "{{ a }}")?.kind == .limit)
        #expect(refusal(source + "{{ a | tojson }}")?.kind == .limit)
        #expect(refusal(source + "{% set b = a %}{{ a == b }}")?.kind == .limit)
        let doubled = "{% set a = [1] %}" + String(repeating: "{% set a = [a, a] %}", count: 60)
        #expect(refusal(doubled + "{{ a }}")?.kind == .limit)
        #expect(refusal(doubled + "{{ a == a }}")?.kind == .limit)
    }

    @Test(arguments: [
        "{{ 9223372036854775807 + 1 }}", "{{ (-9223372036854775807 - 1) // -1 }}", "{{ 2 ** 64 }}",
        "{{ (-9223372036854775807 - 1) | abs }}", "{{ 'x'[1:2:0] }}", "{{ range(1, 2, 0) }}", "{{ {[]: 1} }}",
        "{{ 1 if }}", "{{ strftime_now('%Y' * 1000) }}", "{{ 99999999999999999999 }}", "{{ '\\ud800' }}",
        "{{ '\\x4' }}",
        "{{ loop.index }}", "{% set x = y = 1 %}", "{{ [1, 'a'] | sort }}", "{{ 1.5 | round(99) }}",
        "{{ 'abc'[9223372036854775807:][::-9223372036854775807].x.y }}", "{%", "{{", "{#", "{{ '",
    ])
    func nonsenseIsAnErrorNotACrash(source: String) {
        #expect(refusal(source) != nil)
    }

    @Test func jsonKeepsItsOrderAndItsNumbers() throws {
        let json = #"{"b": 1, "a": [1.5, 2.0, "\ud83d\ude00\ud83d"], "b": null, "c": -9223372036854775808}"#
        let value = JinjaValue(try JSONValue(parsing: json.utf8))
        let text = try ChatTemplate(source: "{{ v | tojson }}").render(variables: ["v": value])
        #expect(
            text.string == "{\"b\": null, \"a\": [1.5, 2.0, \"😀\u{FFFD}\"], \"c\": -9223372036854775808}")
    }
}

/// A template that a test's log shows the beginning of.
struct LongTemplate: CustomTestStringConvertible {
    let source: String

    var testDescription: String {
        source.count > 60 ? "\(source.prefix(60))… (\(source.count) characters)" : source
    }
}
