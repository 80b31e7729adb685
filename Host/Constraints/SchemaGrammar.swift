import GatehouseJSON

extension Grammar {
    /// The JSON texts that fit a schema.
    ///
    /// - Parameters:
    ///   - path: Where the schema stands, for errors.
    ///   - isClosed: Whether objects have no members that the schema does not name, unless it says otherwise.
    /// - Throws: ``SchemaError`` where the schema is wrong, has what is not supported, or fits nothing.
    public init(schema: JSONValue, at path: String, isClosed: Bool = false) throws(SchemaError) {
        try SchemaCheck.check(schema, at: path)
        var compiler = SchemaCompiler(schema, isClosed: isClosed, builder: GrammarBuilder())
        let root = try compiler.rule(for: schema, at: path)
        self = compiler.builder.grammar(root: root)
        try check(at: path)
    }

    /// Any JSON object.
    public static func anyObject() throws(SchemaError) -> Grammar {
        try Grammar(schema: .object(["type": .string("object")]), at: "response_format")
    }

    func check(at path: String) throws(SchemaError) {
        if isLeftRecursive { throw SchemaError(path, SchemaError.leftRecursion) }
        if fewestBytes == nil { throw SchemaError(path, SchemaError.nothingFits) }
    }
}
