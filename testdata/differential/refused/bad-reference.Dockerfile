FROM UPPER/Case:bad:tag
