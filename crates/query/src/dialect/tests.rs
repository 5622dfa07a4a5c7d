//! The dialect against what PCRE2 answers.

use crate::pattern::Pattern;

/// Pattern, options, text, whether PCRE2 finds it.
const ROWS: &[(&str, &str, &str, bool)] = &[
    (r"^\w+$", "", "abc_1", true),
    (r"^\w+$", "", "中文", false),
    (r"^\W+$", "", "中文", true),
    (r"^\d+$", "", "٣", false),
    (r"^[\w-.]+$", "", "a-b.c", true),
    (r"^[\d\W]$", "", "中", true),
    (r"[a-\d]", "", "-", true),
    (r"\bcat\b", "", "a cat sat", true),
    (r"\bcat\b", "", "concat", false),
    (r"\bcat\b", "", "中cat文", true),
    (r"a\Bb", "", "ab", true),
    (r"^a$", "", "a\n", true),
    (r"^a$", "", "a\nb", false),
    (r"^a$", "m", "b\na\nc", true),
    (r"(?m)^a$", "", "b\na\nc", true),
    (r"(?m:^a$)|c$", "", "b\na\nc", true),
    (r"((?m)x)a$", "", "xa\nb", false),
    (r"a\Z", "", "a\n", true),
    (r"\Qa.b\E+", "", "a.bb", true),
    (r"\Qa.b\E", "", "axb", false),
    (r"\Q(*", "", "x(*y", true),
    (r"[\Q]^\E]", "", "^", true),
    (r"http:\/\/x\-y\<\>\中", "", "http://x-y<>中", true),
    (r"[[]", "", "[", true),
    (r"[]a]", "", "]", true),
    (r"[^]a]", "", "]", false),
    (r"[a&&b]", "", "&", true),
    (r"[[:digit:]x]", "", "7", true),
    (r"[\b]", "", "\u{8}", true),
    (r"a{b", "", "a{b", true),
    (r"a{,2}", "", "a{,2}", true),
    (r"^a{2,3}$", "", "aaa", true),
    (r"(?#note)a", "", "a", true),
    ("a b # note $\n c", "x", "abc", true),
    (r"[ #]a", "x", "#a", true),
    (r"^a.c$", "s", "a\nc", true),
    (r"^a.c$", "", "a\nc", false),
    (r"HELLO", "i", "hello", true),
    (r"É", "i", "é", true),
    (r"[\u4e00-\u9fa5]+", "", "中文", true),
    (r"^\p{Han}+$", "", "中文", true),
    (r"(a)\1", "", "aa", true),
    (r"(?<y>\d{4})-\k<y>", "", "2020-2020", true),
    (r"a(?=b)", "", "ab", true),
    (r"(?<!a)b", "", "ab", false),
    (r"^(?>a+)a", "", "aaa", false),
    (r"a++b", "", "aab", true),
    (r"\s", "", "\u{a0}", false),
    (r"\x41\x{4e2d}", "", "A中", true),
    (r"\v", "", "\u{2028}", true),
    (r"^\V$", "", "\n", false),
    (r"^a\Rb$", "", "a\r\nb", true),
    (r"^\R\n", "", "\r\n", false),
    (r"^\N+$", "", "a\nb", false),
    (r"\cA\e", "", "\u{1}\u{1b}", true),
    (r"\012", "", "\n", true),
    (r"\0", "", "\u{0}", true),
    (r"[\101]", "", "A", true),
    (r"\101", "", "A", true),
    (r"\o{101}", "", "A", true),
    (r"^\x9$", "", "\t", true),
    (r"(a)(b)\g{-1}", "", "abb", true),
    (r"(a)\g1", "", "aa", true),
    (r"(a)\g{1}1", "", "aa1", true),
    (r"(?'y'a)\k'y'", "", "aa", true),
    (r"(?P<y>a)(?P=y)", "", "aa", true),
    (r"(?<y>a)\k{y}", "", "aa", true),
    (r"(?<y>a)\g{y}", "", "aa", true),
    (r"(a)(?<=a)(?<y>b)\2", "", "abb", true),
    (r"^\pL+$", "", "é中", true),
    (r"\p{^Lu}", "", "A", false),
    (r"^\p{L&}$", "", "a", true),
    (r"^\p{L&}$", "", "中", false),
    (r"[\p{Han}a]", "", "中", true),
    ("[a\tb]", "x", "\t", true),
    (r"(?i)ABC", "", "abc", true),
    (r"a(?i:B)c", "", "abc", true),
    (r"a(?i:B)c", "", "abC", false),
    (r"(?s).", "", "\n", true),
    (r"(?-i)a", "i", "A", false),
    (r"(?>a|ab)c", "", "abc", false),
    (r"x{2}", "", "xx", true),
    (r"a{1,}?", "", "a", true),
    (r"\Ab", "", "a\nb", false),
    (r"a\z", "", "a\n", false),
    (r"[^\s]", "", " ", false),
    (r"[\x{4e2d}-\x{6587}]", "", "文", true),
    (r"(?:a|b)+c", "", "abac", true),
    (r"^(?=.*\d)(?=.*[a-z]).{4,8}$", "", "ab12", true),
    (r"^1[3-9]\d{9}$", "", "13800138000", true),
    (r"^[\u4e00-\u9fa5_a-zA-Z0-9]+$", "", "云_a1", true),
    (r"", "", "anything", true),
    (r"x", "gu", "x", true),
];

/// What PCRE2 answers for each of these.
#[test]
fn agrees_with_pcre() {
    for (source, options, text, expected) in ROWS {
        let pattern = Pattern::compile(source, options).unwrap();
        assert_eq!(pattern.is_match(text), Ok(*expected), "/{source}/{options} on {text:?}");
    }
}

#[test]
fn refuses_broken_patterns() {
    let mut accepted = Vec::new();
    for (source, options) in [
        ("(", ""),
        ("[", ""),
        ("*", ""),
        ("a", "q"),
        (r"\", ""),
        (")", ""),
        ("a**", ""),
        ("[b-a]", ""),
        ("(?<n>a", ""),
        (r"\k<none>", ""),
        (r"\p{None}", ""),
        (r"(?P=none)", ""),
        (r"\x{110000}", ""),
        ("(?z)", ""),
        (r"\X", ""),
        (r"(?R)", ""),
    ] {
        if Pattern::compile(source, options).is_ok() {
            accepted.push(source);
        }
    }
    assert!(accepted.is_empty(), "{accepted:?}");
}

#[test]
fn catastrophic_patterns_end() {
    let text = "a".repeat(40) + "!";
    assert_eq!(Pattern::compile(r"^(a+)+$", "").unwrap().is_match(&text), Ok(false));
    assert!(Pattern::compile(r"^(a|a)+\1$", "").unwrap().is_match(&text).is_err());
}
