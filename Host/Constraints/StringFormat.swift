/// The formats of JSON Schema that strings are held to, as patterns for the whole text. Some leave out rare forms, so
/// that every text is of the format, but not every text of the format can come.
enum StringFormat: String, CaseIterable {
    case date
    case time
    case dateTime = "date-time"
    case duration
    case uuid
    case email
    case hostname
    case ipv4
    case ipv6
    case uri

    // Without leap seconds, which only some days have.
    private static let clock = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?"
    private static let offset = "([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
    private static let calendar =
        "[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
        + "|02-(0[1-9]|1[0-9]|2[0-8]))"
        // Leap years: every fourth but for centuries, of which every fourth.
        + "|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29"
    // No two hyphens in a row, which would announce another alphabet; 61 of the 63 characters.
    private static let label = "[A-Za-z0-9](-?[A-Za-z0-9]){0,30}"
    private static let byte = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
    private static let host = "\(label)(\\.\(label)){0,3}"

    var pattern: String {
        switch self {
        case .date: Self.calendar
        case .time: Self.clock + Self.offset
        case .dateTime: "(\(Self.calendar))[Tt]\(Self.clock)\(Self.offset)"
        case .duration: Self.period
        case .uuid: "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
        case .email:
            "[A-Za-z0-9_+-]{1,16}(\\.[A-Za-z0-9_+-]{1,16}){0,2}@\(Self.label)(\\.\(Self.label)){1,2}"
        case .hostname: Self.host
        case .ipv4: "\(Self.byte)(\\.\(Self.byte)){3}"
        case .ipv6: "([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}"
        case .uri:
            "[a-z][a-z0-9+.-]{1,15}://\(Self.host)(:[0-9]{1,5})?(/\(Self.pathCharacter)*)*"
                + "(\\?(\(Self.pathCharacter)|[/?])*)?(#(\(Self.pathCharacter)|[/?])*)?"
        }
    }

    private static let pathCharacter = "([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"

    /// ISO 8601 as RFC 3339, appendix A has it.
    private static let period: String = {
        let number = "[0-9]{1,9}"
        let days = "\(number)D"
        let months = "\(number)M(\(days))?"
        let years = "\(number)Y(\(months))?"
        let minutes = "\(number)M(\(number)S)?"
        let clock = "T(\(number)H(\(minutes))?|\(minutes)|\(number)S)"
        return "P(\(number)W|(\(days)|\(months)|\(years))(\(clock))?|\(clock))"
    }()

    /// The texts of the format as they stand in JSON.
    func expression() throws(SchemaProblem) -> Expression {
        try RegularExpression.search("^(?:\(pattern))$", encode: JSONLanguage.character)
    }
}
