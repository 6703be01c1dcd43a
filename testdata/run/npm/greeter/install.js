// Who the scripts of packages run as.
require("fs").writeFileSync("installed.json", JSON.stringify({ by: process.getuid() }));
