FROM tiny
COPY ["one", "two", "/json form/"]
COPY ["names/with space", "/spaces/"]
COPY ["names/dir with space", "/x y/z"]
