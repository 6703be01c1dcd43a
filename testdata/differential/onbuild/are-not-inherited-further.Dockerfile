FROM triggers AS child
FROM child
COPY two /two
