FROM tiny
COPY ["names/quote'\"", "/quotes/"]
