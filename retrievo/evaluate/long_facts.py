"""Invented facts, each with a question that asks for it mostly in other words."""

_LINES = """
The cook of the Golden Pike inn thickens her fish soup with ground almonds.
What does the kitchen at the Golden Pike use to make its broth less thin?
In Dunmarsh the church bells are rung by a retired sailor called Otto Brehm.
Who operates the chimes in Dunmarsh?
People in Corvina paint their front doors blue because it is said to keep wasps away.
Why do house entrances in Corvina have that colour?
The chess club of Fossum meets on Thursdays in a drained swimming pool.
Where do players of the board game gather in Fossum?
A dachshund named Pixel delivers the newspaper to every house on Lorvik island.
Which animal brings the daily press to the people of Lorvik?
Mayor Ilse Tormann resigned last autumn in order to breed tulips.
What did the head of the town council give up her office for?
No roof in Hollin may rise above the chestnut tree in front of the courthouse.
What limits how tall buildings in Hollin can be?
The first telephone of Galway Mills was installed in the back room of a cheese shop.
In what kind of store could one make the earliest calls in Galway Mills?
Children of the Saltholm reef learn to row before they learn to write.
Which skill do the young on Saltholm acquire ahead of spelling?
The spring below Mount Harrow tastes of iron and is bottled in green glass.
What flavour has the water from the foot of Mount Harrow?
Doctor Amara Osei set broken wings of herons with splints cut from bamboo.
What material supported the injured limbs of birds that Osei treated?
The last wolf of the Varda forest was seen by a girl who was looking for her spectacles.
What was the child searching for when she met the final predator of Varda?
Clockmaker Emil Sauter built a watch that runs backwards for left-handed people.
For whom was the reversed timepiece by Sauter intended?
The lift in the Meridian hotel stops at no floor that is divisible by seven.
Which storeys of the Meridian cannot be reached by elevator?
Henrik Dahl paid for his first piano with four years of shovelling snow.
How did Dahl earn his earliest keyboard instrument?
The bakers of Tarnow leave one loaf on the windowsill for whoever passes at midnight.
What do bread makers in Tarnow set out for strangers at night?
Captain Ruiz navigated home from the Arctic by the smell of a soap factory.
What guided Ruiz back from the far north?
The violin of Klara Benedek was carved from the beam of a burnt barn.
Where did the wood of Benedek's instrument come from?
Every bus in Pellworm carries a jar of plum jam for the driver's supper.
What food do public vehicles of Pellworm have on board?
The painter Jonas Weir mixed brick dust into his reds.
What did Weir add to obtain his warm colours?
The oldest citizen of Umbria Falls attributes her age to cold porridge.
What does the most aged inhabitant of Umbria Falls eat for a long life?
A hailstone that fell on Kestrel Down had a beetle in its middle.
Which insect was frozen into the ice that dropped on Kestrel Down?
The library of Oakhurst fines late readers in apples instead of coins.
With what do borrowers in Oakhurst pay when they are overdue?
Professor Lindgren keeps her lecture notes in a biscuit tin under the sink.
Where are the papers for Lindgren's classes stored?
The football team of Westmark plays in socks whenever the pitch is frozen.
What footwear do athletes of Westmark have on an icy field?
In the Yarrow valley brides carry a bunch of leeks for good fortune.
Which vegetable do women hold at their weddings around Yarrow?
The satellite Tern lost its left antenna to a flake of paint.
What damaged the communication gear of the spacecraft Tern?
The night watchman of the Corbin mine whistles opera to calm the ponies.
How does the guard at Corbin soothe the small horses?
Marta Koval translated the railway timetable of Velden into verse.
Which document did Koval turn into a poem?
The cellar of the Elmira tax office houses forty thousand bottles of vinegar.
What is kept underneath the revenue building of Elmira?
A retired judge in Nordby repairs umbrellas free of charge on rainy Mondays.
Which objects does the former magistrate of Nordby mend for nothing?
The tide clock in Ravensby harbour has been wrong by nine minutes since the great storm.
How inaccurate is the device that shows high water in Ravensby?
Film star Delia Marchetti insured her laugh for two million crowns.
Which of her features did the actress Marchetti take out a policy on?
The Zelnik brothers crossed the Gobi desert on a tandem bicycle.
By what means did the siblings Zelnik traverse the sands?
Shepherds above Istrana mark their sheep with beetroot juice.
What dye identifies flocks in the mountains over Istrana?
The glue in the Codex of Amberg was boiled from rabbit skins.
From which animal was the adhesive of the old Amberg book made?
Passengers of flight 212 were delayed because a swarm of bees sat on the wing.
Why did the aeroplane numbered 212 leave late?
Composer Ludek Fiala wrote his requiem for six typewriters and a cello.
Which office machines are heard in the mass for the dead by Fiala?
In the winter of the long frost the Birk post was carried by skaters.
How did letters travel along the Birk when everything was frozen?
The cactus in the lobby of Harlan Insurance flowers only on election days.
When does the prickly plant at Harlan Insurance bloom?
Architect Noor Haddad designed a school without a single right angle.
What shape of corner is missing from the building that Haddad drew?
The miller's widow in Quarrington reads fortunes from spilled flour.
From what substance does the woman of Quarrington foretell the future?
Goalkeeper Tomasz Wilk sleeps with his gloves on before every final.
What does Wilk wear in bed ahead of deciding matches?
The lighthouse at Cape Solvay was once lit by burning seal fat.
Which fuel made the beacon of Cape Solvay shine in former times?
Inventor Priya Raman powers her sewing machine with a goldfish treadmill.
What creature drives the device on which Raman stitches?
The town hall of Juniper sank eleven centimetres in a single week.
How far did the municipal building of Juniper subside within seven days?
Smugglers of the Rook coast hid their tobacco in hollow gravestones.
Where did criminals on the Rook shore conceal contraband?
The orchestra of Mirabel tunes to the horn of the six o'clock ferry.
From which sound do the musicians of Mirabel take their pitch?
Geologist Bertil Strand found opals in the bed of a dry fish pond.
Which gems did Strand discover where carp once lived?
Tenants of Number 9 Lark Street share one bathtub and three accordions.
How many squeezeboxes do residents in Lark Street have in common?
The emperor's gardener Wen Zhao grew melons in the shape of bells.
Which fruit did Zhao force into an unusual form?
A blackout in Port Halden was caused by a squirrel carrying a spoon.
What rodent cut off the electricity in Port Halden?
Botanist Greta Ohm named a moss after her dentist.
In whose honour did Ohm christen a small plant?
The parrot of the Café Lumen recites the football results of 1974.
What does the bird in the coffee house Lumen say?
The bridge at Ambersted is repainted every year in the colour that the youngest pupil picks.
Who decides how the river crossing in Ambersted looks?
Fishermen of Tolna throw back the first catch and apologise to it aloud.
What happens to the earliest fish that the men of Tolna haul in?
The treaty of Sorrel Creek was signed with a feather of an owl.
What did the parties use as a pen at Sorrel Creek?
Dentist Pavel Orsini collects door handles from demolished theatres.
What is the hobby of the tooth doctor Orsini?
The tunnel under the Grey Pass is heated by a cheese dairy.
Where does the warmth inside the Grey Pass passage come from?
In the novel by Edda Storm the murderer is the piano tuner.
Which tradesman commits the killing in Storm's story?
The ice cream of the Rossi sisters is coloured with nettle leaves.
Which weed gives the frozen dessert of the Rossi family its tint?
Hermit Anselm Voss heated his cave with a single oil lamp and eleven cats.
How many felines kept Voss warm in his den?
The Lindauer comet was first noticed by a nurse on her way to work.
What was the profession of the person who spotted the Lindauer celestial body?
The carpet in the embassy of Tarsia was woven from discarded parachutes.
What were the threads of the rug at Tarsia's diplomatic mission before?
Student Femi Adeyemi translated the manual of a dishwasher into Latin.
Into which ancient tongue did Adeyemi put the kitchen machine's instructions?
The statue of General Brock faces the wall because he disliked the sea.
Why does the monument to Brock look away from the water?
The snow of the Alvar glacier turns pink in July because of an alga.
What organism changes how the Alvar ice field looks in summer?
Tailor Moses Ferrand lines his winter coats with old tent cloth.
What does Ferrand put on the inside of garments for cold weather?
The train to Bracken Hill waits whenever a heron stands on the track.
Which wading bird makes the railway to Bracken Hill stop?
A letter to the widow Hanke arrived thirty-one years late with the ink unfaded.
How much delay did the mail for Mrs Hanke have?
The philosopher Cato Lem answered all criticism with recipes for dumplings.
How did Lem reply to those who attacked his ideas?
Beekeepers of the Sarn plateau play the tuba to make their hives move.
Which brass instrument is used on Sarn to relocate insects?
The lottery of Pine Ridge was won nine times by the same plumber.
What is the trade of the person who kept winning the draw at Pine Ridge?
The wedding cake of Duke Alaric contained a living nightingale.
What was hidden in the pastry when Alaric married?
Chemist Rana Qureshi discovered a blue that fades only in moonlight.
Under what conditions does the pigment found by Qureshi lose its strength?
The marsh road to Eelwick is paved with oyster shells.
What covers the way that leads through the bog to Eelwick?
Skater Yuna Seo lost the championship through a hairpin on the ice.
Which small object cost Seo her title?
The jury of the Halma prize reads all manuscripts backwards.
In what manner do the judges of the Halma award go through submissions?
The elephant Suri was taught to water the tomatoes of the monastery.
Which crop did the large animal Suri take care of?
Surveyor Lars Hemming measured the county with a knotted rope of hemp.
What tool did Hemming employ to map the district?
The puppet theatre of Zagreb Lane burned down during a play about firemen.
What was being performed when the marionette stage was destroyed?
Hospital trains of the Delta line were painted yellow so that bombers would spare them.
Why did the carriages for the wounded on the Delta line have a bright coat?
The sourdough of the Meyer bakery is older than the republic.
What at Meyer's was begun before the present state was founded?
Diver Ana Pinto found a working gramophone in the wreck of the Sirocco.
Which music player did Pinto bring up from the sunken Sirocco?
The village of Upper Tarn elects its goose warden by tossing horseshoes.
How is the keeper of the poultry in Upper Tarn chosen?
Astronomer Ibn Sahir counted stars through a hollow reed.
Through what did Sahir observe the night sky?
The crown of Queen Brisa was made of tin because the goldsmith had fled.
Of which cheap metal was Brisa's royal headdress?
Novelist Karel Dunn wrote standing up in a disused pulpit.
At what piece of church furniture did Dunn compose his books?
The Olsen ferry is steered by twins who never speak to each other.
Who is at the helm of the boat that the Olsens run?
The raisins of the Karsa valley are dried on the roofs of parked lorries.
Where is the fruit of Karsa laid out in the sun?
Wrestler Big Moe Tanner knits baby hats for the children's ward.
What does Tanner make with needles and wool for the clinic?
The weather vane of Saint Orrin shows a snail instead of a cock.
Which creature turns with the wind on Saint Orrin's roof?
A vault in the Bern exchange holds a single lump of coal.
What is locked up in the strongroom of the Bern trading house?
Teacher Solveig Aune marks wrong answers in green since red made a boy cry.
Why did Aune change the ink for correcting her pupils?
The emergency generator of the Pax clinic runs on frying oil.
What is burned at Pax when the mains fail?
The Sunday market of Dornick sells only things that are broken.
In what state are the goods on offer at the weekly fair in Dornick?
Jockey Finn Mallory won his last race on a horse that was blind in one eye.
What was wrong with the animal that carried Mallory to his final victory?
Nuns of the Linden convent brew a beer from spruce tips.
Which part of a tree flavours the ale of the Linden sisters?
Engineer Tove Brandal stopped the leaking dam of Skarn with bales of wool.
What did Brandal plug the barrage at Skarn with?
The radio tower on Crow Hill hums in the key of B flat.
Which note comes from the transmitter mast on Crow Hill?
The archive of the Hansen shipping line was eaten by goats in one night.
What became of the records of the maritime company Hansen?
Gravedigger Milos Petran plants a walnut tree for every hundredth customer.
What does Petran put into the earth as a kind of anniversary?
"""

_ALL = _LINES.strip().splitlines()

FACTS = tuple(zip(_ALL[::2], _ALL[1::2], strict=True))
"""(what is told, what is asked)."""
