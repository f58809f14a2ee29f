#!/bin/sh
# SPDX-License-Identifier: MIT
#
# describe, train --csv, evaluate, predict as people type them: faults with line and column, roles, weights, notes.
# check_table_command.sh REEL DATASETS
reel=$(realpath "$1") iris=$(realpath "$2")/iris.csv
# shellcheck source=tests/command_checks.sh
. "$(dirname "$0")/command_checks.sh"

# train STATUS FLAG...
train() {
    wanted=$1
    shift
    expect "$wanted" "$reel" train --quiet "$@"
}

# ---- describe ----
expect 0 "$reel" describe "$iris" --target species --json d.json
holds_text out '150 rows, 5 columns, separated by ",", names in the first line'
holds_text out '1 duplicate row, 0 rows that contradict others in "species"'
holds_text out 'mean 3.05733  sd 0.435866  quartiles 2.8 3 3.3  4 outliers outside 2.05 .. 4.05'
holds_text d.json '"mean":	5.843333333333334'
holds_text d.json '"outliers":	4'
printf 'a;b;c;d\n1;x;7;\n2;y;7;\n1;x;7;\n3;5;7;\n;x;7;\n3;5;7;\n8;y;7;\n' >small.csv
expect 0 "$reel" describe small.csv --target a
holds_text out '7 rows, 4 columns, separated by ";"'
holds_text out '8 missing values, 2 constant or empty columns, 2 duplicate rows, 2 rows that contradict others in "a"'
holds_text out 'CONSTANT'
holds_text out 'd       empty      every field is missing'
holds_text out '2 of them numbers; the first that is not in line 2'
expect 0 "$reel" describe small.csv --json -
holds_text out '"type":	"empty"'
holds_text err '7 rows, 4 columns'
expect 1 "$reel" describe small.csv --target z
holds_text err 'reel describe: small.csv: there is no column "z"; there are "a", "b", "c", "d"'
expect 1 "$reel" describe nothing.csv
holds_text err 'nothing.csv'
expect 2 "$reel" describe small.csv --header perhaps
holds_text err '--header: found "perhaps", expected yes, no or auto'
expect 2 "$reel" describe small.csv --delimiter ';;'
holds_text err '--delimiter: found ";;", expected one character, or tab'
for command in describe evaluate predict 'train csv'; do
    # shellcheck disable=SC2086
    expect 0 "$reel" $command --help
    holds_text out 'example: reel'
    holds_text out 'JSON'
done

# ---- faults of a training ----
train 2 --csv "$iris"
holds_text err 'reel train csv: --target is missing: the column to be predicted (see reel train csv --help)'
expect 2 "$reel" train csv --target species
holds_text err '--csv is missing'
train 1 --csv "$iris" --target specie
holds_text err 'there is no column "specie"; did you mean "species"?'
train 1 --csv "$iris" --target species --ignore 'petal size'
holds_text err 'there is no column "petal size"'
train 2 --csv "$iris" --target species --task guess
holds_text err '--task: found "guess", expected one of classification regression auto'
train 1 --csv "$iris" --target species --task regression
holds_text err 'line 2, column 5 ("species"): found "setosa", expected a number'
train 1 --csv "$iris" --target species --impute magic
holds_text err '--impute: found "magic", expected mean, median, most-frequent, constant:X or none'
train 1 --csv "$iris" --target species --loss mse
holds_text err '--loss: found "mse", expected cross-entropy, as this is a classification'
train 1 --csv "$iris" --target species --class-weights setosa:2
holds_text err '--class-weights: found "setosa:2", expected none, balanced or NAME=W,...'
train 1 --csv "$iris" --target species --class-weights rose=2
holds_text err '--class-weights: there is no class "rose"'
train 1 --csv "$iris" --target species --hidden 3,x
holds_text err '--hidden'
train 2 --csv "$iris" --target species --validation 0.6 --test 0.5
holds_text err '--validation and --test leave no rows for the training'
train 2 --csv "$iris" --target species --validation 1
holds_text err '--validation'
train 2 --csv "$iris" --target species --colour red
holds_text err 'colour'
printf 'x,y\n1,a\n2,b\n3\n' >bad.csv
train 1 --csv bad.csv --target y
holds_text err 'reel train csv: bad.csv: line 4, column 2 ("y"): found the end of the line after 1 field'
[ "$(wc -l <err)" -eq 1 ] || fail "more than one line: $(cat err)"

# ---- what a table may hold ----
awk 'BEGIN {
    print "größe,farbe,leer,fest,id,klasse"
    for (i = 0; i < 120; i++)
        printf "%s,%s,,7,n%d,%s\n", i % 11 == 3 ? "NA" : i % 40 + (i % 2) * 60, i % 13 == 5 ? "" : i % 3 ? "rot" : "\"blau, hell\"",
            i, i == 119 ? "中文" : i == 70 ? "" : i % 2 ? "äpfel" : "birne"
}' >table.csv
train 1 --csv table.csv --target klasse
holds_text err 'column 3 ("leer"): found no value in any row of training'
train 1 --csv table.csv --target klasse --ignore leer
holds_text err 'column 5 ("id"): found 120 different texts in the column, expected 100 at most'
train 0 --csv table.csv --target klasse --ignore leer,id --epochs 40 --out net --class-weights 'äpfel=2,中文=0.5' --impute median
holds_text out 'left out for want of a target: 1'
holds_text out '"größe": '
holds_text out 'missing in training, filled with '
holds_text out '"farbe": '
holds_text out '"fest" is constant in training: it tells nothing'
holds_text out 'class "中文" has no row in validation'
holds_text out 'cross-entropy, weighted'
holds_text net/csv.json '"name":	"中文"'
expect 0 "$reel" predict net --csv table.csv --out p.csv
[ "$(wc -l <p.csv)" -eq 121 ] || fail "predict wrote $(wc -l <p.csv) lines"
holds_text p.csv 'prediction,p:birne,p:äpfel,p:中文'
expect 0 "$reel" evaluate net --csv table.csv --json -
holds_text out '"left_out":	1'
holds_text err 'confusion matrix'
printf 'größe,farbe,fest\n5,rot,7\n6,grün,7\n' >new.csv
expect 1 "$reel" predict net --csv new.csv
holds_text err 'reel predict: new.csv: line 3, column 2 ("farbe"): found the category "grün", which training had not, expected one of "blau, hell", "rot"'
printf 'größe,farbe\n5,rot\n' >new.csv
expect 1 "$reel" predict net --csv new.csv
holds_text err 'there is no column "fest"'
printf 'größe,farbe,fest,klasse\nfünf,rot,7,birne\n' >new.csv
expect 1 "$reel" evaluate net --csv new.csv
holds_text err 'line 2, column 1 ("größe"): found "fünf", expected a number'
printf 'größe,farbe,fest,klasse\n5,rot,7,pflaume\n' >new.csv
expect 1 "$reel" evaluate net --csv new.csv
holds_text err 'line 2, column 4 ("klasse"): found the class "pflaume", which training had not, expected one of "birne", "äpfel", "中文"'
printf 'größe,farbe,fest,klasse\n5,rot,7,\n' >new.csv
expect 1 "$reel" evaluate net --csv new.csv
holds_text err 'found no row with a value in "klasse"'
expect 1 "$reel" predict nowhere --csv new.csv
expect 2 "$reel" predict net
holds_text err '--csv is missing'
"$reel" train two-moons --epochs 1 --quiet --checkpoint-dir moons >out 2>err || fail "two-moons"
expect 1 "$reel" predict moons --csv new.csv
holds_text err 'found no preparation in the checkpoint'

# ---- numbers ----
awk 'BEGIN { for (i = 0; i < 90; i++) printf "%d,%g\n", i, 1e6 * i + (i % 7) }' >line.csv
train 0 --csv line.csv --header no --target column2 --task regression --hidden 0 --loss huber:0.5 --epochs 60 --json r.json
holds_text out "Huber's loss, delta 0.5"
holds_text out 'RMSE'
holds_text r.json '"r2"'
train 0 --csv line.csv --target 2 --task regression --hidden 4 --activation tanh --epochs 2 --validation 0 --test 0 --precision double
holds_text out 'training, 90 rows'

# ---- the names of optimizers are those of the other commands ----
expect 0 "$reel" train csv --help
holds_text out '--optimizer momentum: sgd with --momentum 0.9'
train 0 --csv "$iris" --target species --epochs 2 --optimizer momentum --lr 0.05 --json m.json
holds_text m.json '"kind":	"sgd"'
holds_text m.json '"momentum":	0.9'
holds_text m.json '"lr":	0.05'
train 1 --csv "$iris" --target species --optimizer momentun
holds_text err 'did you mean momentum? There are sgd, adam'
expect 0 "$reel" lr-find csv --csv "$iris" --target species --steps 40 --optimizer momentum
holds_text out '= 2 (1 + momentum) / lambda'

# ---- other commands build the net again ----
expect 0 "$reel" lr-find csv --csv "$iris" --target species --batch 20 --steps 40 --json l.json
holds_text out 'suggestion'
train 0 --csv "$iris" --target species --epochs 3 --checkpoint-dir run
"$reel" diagnose run --json g.json >out 2>err
[ $? -le 3 ] || fail "diagnose: $(cat err)"
lacks_text out 'measured only in the file'
holds_text out '90 rows'
# The table may have moved, but not changed.
cp "$iris" moved.csv
train 0 --csv moved.csv --target species --epochs 3 --checkpoint-dir astray
mv moved.csv 'now here.csv'
expect 1 "$reel" diagnose astray
holds_text err 'moved.csv'
"$reel" diagnose astray --recipe "--csv 'now here.csv'" >out 2>err
holds_text out '90 rows'
sed 's/,0.2,setosa/,0.3,setosa/' "$iris" >changed.csv
"$reel" diagnose astray --recipe '--csv changed.csv' >out 2>err
holds_text out 'measured only in the file'
train 0 --csv "$iris" --target species --hidden 4 --epochs 6 --every 3 --keep all --checkpoint-dir kept
[ -e kept/step-000000000.json ] || fail "--keep all: $(ls kept)"
expect 0 "$reel" landscape --run kept --points 5 --out land --json -
holds_text out '"surface"'
sed 's/,0.2,setosa/,0.3,setosa/' "$iris" >other.csv
train 1 --csv other.csv --target species --epochs 5 --checkpoint-dir run --resume auto
holds_text err 'found'
train 0 --csv other.csv --target species --epochs 5 --checkpoint-dir run --resume auto --force

finish
