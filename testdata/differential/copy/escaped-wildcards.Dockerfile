FROM tiny
COPY names/[[]x] /brackets
COPY names/star\* /stars/
COPY names/back\\slash /back
