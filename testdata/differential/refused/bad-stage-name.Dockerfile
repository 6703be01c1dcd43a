FROM tiny AS 1st
