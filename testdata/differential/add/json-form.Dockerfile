FROM tiny
ADD ["names/with space", "one", "/json form/"]
