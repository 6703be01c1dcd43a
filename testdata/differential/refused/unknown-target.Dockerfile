FROM tiny AS one
