FROM tiny AS
