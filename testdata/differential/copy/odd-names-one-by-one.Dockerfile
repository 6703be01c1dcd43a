FROM tiny
COPY names/-rf /dash
COPY names/naïve-名前 /unicode-ü
COPY ["names/quote\\'\\\"", "/quotes/"]
COPY names/..two /dots/
