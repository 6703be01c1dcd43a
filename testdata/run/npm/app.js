const greet = require("greeter");
console.log(greet(process.argv[2]) + " " + require("greeter/installed.json").by);
