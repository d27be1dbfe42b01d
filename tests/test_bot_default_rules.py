"""What the default rules make of texts in many voices: who leads, what must be answered, what is ignored.

The rules alone, without text models: a channel that the tone of a text decides is left to these (`weak`).
"""

from importlib.resources import files

import pytest

from bot.demo.county import load_texts
from bot.demo.story import FIRST_TEXT
from routing.items import Kind
from routing.office import Level
from routing.rules import Judgement, Rules, Subject, load_rules

CHANNELS = ("network", "petition", "publicity", "security", "office")
STRONG = {"security", "petition", "publicity"}
BOARD, OFFICIAL, PRESS, PROVINCE = ("问政",), ("官方",), ("媒体",), ("省级媒体",)


@pytest.fixture(scope="module")
def rules() -> Rules:
    text = files("bot.templates").joinpath("rules.toml").read_text(encoding="utf-8")
    return load_rules(text, "rules.toml", CHANNELS)


def judged(
    rules: Rules,
    text: str,
    tags: tuple[str, ...] = (),
    kind: Kind = Kind.ARTICLE,
    own: bool = True,
) -> Judgement:
    title, _, body = text.rpartition("｜")
    return rules.judge(Subject(title, body, kind, tags, own=own))


def told(judgement: Judgement) -> list[str]:
    return [str(reason) for reason in judgement.reasons]


def case(id: str, text: str, tags: tuple[str, ...] = (), kind: Kind = Kind.ARTICLE) -> object:
    return pytest.param(text, tags, kind, id=id)


GATHERINGS_AND_THREATS = [
    case("square-friday", "周五上午九点，市民中心广场见，带上购房合同，人越多越好，要个说法"),
    case("gate-tomorrow", "兄弟们，明天早上八点县政府东门集合，能来的都来，叫上瓦工班"),
    case("one-of-each-house", "明早八点学校门口，每家来一个人，校长不出来我们就不走"),
    case("not-leaving", "今晚售楼部门口，不给说法不走，别一个人缩在后头"),
    case("taxi", "周三早上八点客运站集合，全部停运，一起去讨说法"),
    case("block-the-gate", "礼拜六都去售楼处堵门，看他还敢不敢躲"),
    case("petition-in-a-body", "周一早上集体去县政府，横幅我来印，村民们一户也别落下"),
    case("crowd-with-police", "校门口堵死了，二三百个家长，特警都到了"),
    case("sit-in", "项目部门口几十个工人静坐，民警拉了警戒线"),
    case("shops-shut", "步行街各位老板，明天早八点都别开门，人到管理处大厅坐着，越多越好，把门堵死"),
    case("riders", "骑手兄弟，周六中午集体不接单，都到商场东门，愿意的扣1"),
    case("tractor", "谁再挪我家地界，我开着拖拉机从他家院墙压过去"),
    case("on-the-roof", "四栋楼顶上站着个大哥，手里拎桶，快来人报警"),
    case("gas-bottle", "谁敢来拆，我屋里两瓶煤气点了，同归于尽"),
    case("petrol", "逼急了我就泼汽油，反正我也没什么可丢的"),
    case("they-will-not-return", "再动我家院墙，我让他有来无回，说到做到"),
    case("pay-or-jump", "不给工钱就从楼顶跳下去，下面的人越围越多"),
    case("on-the-crane", "工地上有人爬塔吊了，手里举着一张纸，要见老板"),
    case("note", "我写好遗书了，跟爸妈说声对不起"),
    case("no-more", "借的钱还不上，我真的不想活了"),
    case("petrol-can", "谁来拆我的摊，我就抱着汽油桶跟他一块走"),
    case("gate-of-the-park", "明早八点全部到园区大门口，一双鞋也别想出去"),
    case("all-to-the-office", "明天上午都去县政府，把事情闹大才有人理"),
    case("ask-and-surround", "周五早上都去信访局问问，不给准话就把大厅围住"),
    case("ask-with-banners", "明早一起去住建局问问，带上横幅"),
    case("meet-at-the-gate", "停车费退款的事没人理，明早九点管委会门口见"),
    case("taxis-at-rest", "出租车明早八点客运站门口都来，罢运一天"),
    case("pesticide", "再没人管我就喝农药，你们看着办"),
]

ALARMS = [
    case("child-snatchers", "紧急扩散！城东有面包车专门拉小孩，已经丢了两个，转给家里有娃的"),
    case("kidnap-heard", "听说早市上有人抢孩子，大家看紧自己的娃"),
    case("poisoned-water", "群里说水库被投毒了，今晚先别喝自来水"),
    case("explosion", "刚才一声巨响，化工厂爆炸了，住附近的快跑，转给所有人"),
    case("dam", "内部消息，上游要溃坝，官方不让说"),
    case("dam-cracked", "都知道了吧，水库大坝裂了，先把证件装包里"),
    case("bridge-cracked", "有人看见老桥裂了一条大缝，上面压着不报，千万绕开走"),
    case("hidden-deaths", "医院的熟人说其实走了三个，一直瞒着"),
    case("run-on-rice", "据说要断供，超市里都在抢购，赶紧去"),
    case("knife", "网传有人持刀在广场晃，真的假的"),
    case("denial", "辟谣：“城东拐孩子”系谣言，公安机关已调取监控", OFFICIAL),
    case("denial-blast", "关于“化工厂爆炸”的说明｜经核实未发生爆炸和泄漏，网传视频系外地旧闻", OFFICIAL),
    case("rumourmonger", "警方通报｜网民某某编造投毒谣言，已依法传唤", OFFICIAL),
]

ACCIDENTS = [
    case("crash-notice", "警情通报｜今日7时许，环城路口两车相撞，造成1人死亡、3人受伤", OFFICIAL),
    case("squashed", "大货车把小轿车挤到护栏上了，轿车都没形了"),
    case("leg", "三轮车在坑边翻了，大娘的腿被压着，大伙抬出来的"),
    case("rider", "路口一个骑手被转弯的大车刮倒了，人坐在地上捂着膝盖，120刚走"),
    case("into-the-ditch", "拉土车把一辆三轮车撞到沟里，好几个躺路边，救护车还没到"),
    case("taken-to-hospital", "后街饭店着火了，有个厨子被抬上救护车"),
    case("drowned", "河里淹了两个学生，捞上来一个，还有一个没找到"),
    case("collapse", "在建的棚子塌了，底下压着人，消防在抢救"),
    case("gas-poisoning", "一家三口煤气中毒，全送医院抢救了"),
    case("on-the-hot-list", "滨河路追尾 多人被困", (), Kind.HOTLIST),
    case("ammonia", "冷库泄漏，消防来了，四名工人送医"),
    case("canteen", "学校食堂午饭后十几个孩子上吐下泻，儿科走廊坐满了"),
    case("food-poisoning", "幼儿园疑似食物中毒，好几个娃在输液"),
    case("herd", "苏木那边的羊一片一片倒，听兽医说口蹄疫进来了，羊肉千万别买"),
    case("swept-away", "礁石上钓鱼的被浪卷走，捞上来一个，还有一个没找到"),
    case("buried", "采石坑北坡垮了，两个人压在下面，还在往外扒"),
]

CLAIMS = [
    case("wages", "干了五个月一分没见，包工头电话也不接"),
    case("wages-owed", "厂里工资拖了三个月，问就是等回款"),
    case("wages-withheld", "我们十七个人的工钱到现在没给，家里等着交学费"),
    case("blood-money", "工地门口拉着“还我血汗钱”，都是本地瓦工"),
    case("sweepers", "扫街的三个月没开支了，公司说财政没拨"),
    case("land", "修路占了我们村的地，补偿款两年没到账"),
    case("green-crops", "青苗费还差一半没给，量地的时候倒积极"),
    case("rent", "流转出去的地，租金拖欠两年了"),
    case("allowance", "老人的高龄津贴停发三个月，村里说再等等"),
    case("subsidy", "煤改气补贴不兑现，墙上的公示还贴着呢"),
    case("flats", "合同写的去年交房，一拖再拖，现在逾期四百天"),
    case("unfinished", "楼盘烂尾了，房贷一个月没少还"),
    case("deed", "住进来三年，房产证还办不下来"),
    case("refund", "我家多交的物业费要求退还，推了两个月"),
    case("owed", "我们班组二十一个人差四十八万，年后谁还认"),
    case("months", "守着大门坐了一宿，五个月没发钱"),
    case("prepaid", "健身房一夜关门，私教课还剩五十八节"),
    case("flooded", "我的车泡了，第二台就是，八万六，谁认"),
    case("damage", "我家墙震裂了，损失谁认，要求赔偿"),
    case("joint-letter", "整栋楼要联名了，你来签字"),
    case("all-owners", "全体业主请求公开维修资金账目"),
    case("deputies", "业主代表明天去信访局递材料，大家放心"),
    case("we-demand", "停水三天了，我们要求给个说法，尽快恢复"),
]

BOARD_CLAIMS = [
    case("board-lamp", "南街路灯不亮半个月了｜孩子放学摸黑走，麻烦修一下", BOARD, Kind.POST),
    case("board-noise", "楼下饭店油烟直排｜反映多次，来人看看就走了，恳请解决", BOARD, Kind.POST),
    case("board-doctor", "卫生院长期没有医生｜老人拿药要坐两小时车，请派人坐诊", BOARD, Kind.POST),
    case(
        "board-parking-fee", "请问停车收费依据｜停四十分钟收十元没有票，要求退还多收的六元", BOARD, Kind.POST
    ),
    case("board-again", "追问：低保复核｜上次的留言只写“已转办”，请求由县里复核", BOARD, Kind.POST),
]

PUBLICITY = [
    case("letter", "采访函｜我社记者拟于周三就供暖收费一事采访贵县，请予安排", BOARD, Kind.POST),
    case("request", "晚报记者采访请求：景区缆车提前停运｜请于本周五前回复", BOARD, Kind.POST),
    case("came", "看见扛摄像机的了，在景区门口拍了一上午"),
    case("outside-paper", "外地报纸都来咱县看那排空厂房了，自己人看不见"),
    case("central", "央媒都点名了，这下出名了"),
    case("on-the-spot", "记者在县医院看到，输液室加了十几张床位"),
    case("press-source", "停水三日无公告 居民拎水上楼｜居民说热线一直占线", PRESS),
    case("province-source", "一问校园餐：陪餐记录为何空白｜学校食堂已停", PROVINCE),
    case("television", "电视台来学校食堂采访了，家长围着说"),
]

MISREAD = [
    case("tricycles", "下个月起电动三轮车一律没收，抓到还罚两千？"),
    case("insurance", "听说医保断缴一年前面的全白交，真的假的"),
    case("bus", "老年卡以后不能免费坐公交了？谁定的"),
    case("gas-hose", "通知说七月起不换软管就停气，这是强制消费吧"),
    case("allowance", "以后高龄津贴不去就停，八十多的人怎么去"),
    case("fireworks", "听说今年一根鞭炮都不许放，放了直接拘留？"),
    case("school", "听说明年学区全部取消，房子白买了"),
]

WEAK = [
    case("doubt", "解放路今年又挖了，第四回了，路面是拉链吗"),
    case("smell", "后半夜又是那股恶臭，没人管"),
    case("fee", "自愿交的午托费，不交的孩子在群里点名，这叫“自愿”？"),
    case("window", "政务大厅三个窗口开一个，白排一上午，没人管"),
    case("urgent", "老城又停水了，热线打不通"),
    case("ask", "请问社保断了怎么补缴"),
    case("suggest", "建议学校门口装个红绿灯"),
    case("board-ask", "咨询：图书馆周末几点关门｜请问寒假开放时间有没有调整", BOARD, Kind.POST),
    case("board-suggest", "建议高铁站增加末班公交｜最后一班车到站时公交已经没了", BOARD, Kind.POST),
    case("notice", "抢修停水公告｜因主管爆裂，老城片区停水，预计20时恢复", OFFICIAL),
    case("reply", "关于午托收费问题的说明｜已责令学校退还多收费用", OFFICIAL),
    case("wages-told", "关于欠薪问题的处置情况｜已责成企业足额支付工资", OFFICIAL),
]

IGNORED = [
    case("ad-flat", "两室一厅出租，拎包入住，一个月九百"),
    case("ad-shop", "临街门面低价转让，证照齐全"),
    case("ad-job", "诚聘导购两名，底薪三千加提成"),
    case("ad-job-plain", "饭店招工，洗碗一名，管饭，电话联系"),
    case("ad-course", "小升初衔接班最后三席，免费试听"),
    case("ad-tutor", "家教一对一，初中物理，周末可上门，提分看得见"),
    case("ad-loan", "征信花也能做，快速放款，私我"),
    case("ad-group", "停水不用慌，储水桶团购，扫码下单送到楼下"),
    case("ad-cleaning", "暖气不热？专业清洗地暖，一户一百六，上门服务"),
    case("ad-repair", "疏通下水道，打孔，全县上门，价格实惠"),
    case("ad-joke", "跳楼价！老板要跑路？拉横幅不是讨债，是真便宜"),
    case("ad-banner", "定做横幅、锦旗，当天出货"),
    case("ad-massage", "小儿推拿，首次体验十九块九，预约"),
    case("ad-house", "湖景洋房收官加推，首付一成起"),
    case("ad-meal", "新店开业，双人火锅四十九，满百减二十"),
    case("ad-second-hand", "出一台九成新空调，自提便宜"),
    case("ad-claims", "交通事故理赔咨询，不成功不收费"),
    case("match", "中学生篮球联赛，三分球绝杀夺冠"),
    case("sunset", "今天的晚霞真好看，站在大桥上拍的"),
    case("series", "这部剧大结局也太赶了"),
    case("lost-cat", "寻猫，橘白，左耳缺角，找到必谢"),
    case("found-card", "公交站捡到身份证一张，失主来领"),
    case("carpool", "明天去省城，拼车AA，六点半走"),
    case("training", "全县导游培训班开班，为期三天", OFFICIAL),
    case("meeting", "县里召开防汛推进会，会议强调压实责任", OFFICIAL),
    case("weather", "大雾黄色预警信号，出行注意安全", OFFICIAL),
    case("planned-cut", "计划停电公告｜因检修，周四停电，请提前准备", OFFICIAL),
    case("purchase", "办公家具采购意向公开", OFFICIAL),
    case("thanks", "谢谢三路车的司机师傅，帮我妈把包送回来"),
    case("thanks-board", "感谢信｜特来感谢帮忙搬东西的同志", BOARD, Kind.POST),
    case("story", "写了个短篇：塔吊上的人，求轻喷"),
    case("dream", "梦见自己站在楼顶，醒来一身汗"),
    case("trip", "在外地出差，酒店停水，洗头洗到一半"),
    case("which-shop", "县城哪家胡辣汤好喝，不要太辣"),
    case("which-drugstore", "求推荐靠谱的牙科"),
]

NOT_IGNORED = [
    case("ad-word-and-fraud", "预付卡包过承诺，交完钱人就没影了，骗子，要投诉"),
    case("parcel", "网上写着免费送货，到了代收点一件加三块，归谁管"),
    case("thanks-with-news", "昨晚先发了八千多，剩下的二十号。谢谢帮转的各位，工资总算有着落"),
    case("thanks-and-claim", "感谢来看的领导，但是补偿款还没到账"),
    case("thanks-comment", "点个赞，再看下一场雨", (), Kind.COMMENT),
    case("match-and-injury", "球赛散场踩踏，两人受伤送医"),
    case("weather-and-flood", "温馨提示刚发，桥洞就淹了，有人被困救命"),
]

VISITS = [
    case("ask-together", "今天再没人管，我们就一起去信访局问问"),
    case("see-the-head", "停水第四天，明天上午大家一起去镇里找领导问个明白"),
    case("tell-together", "后天一块去住建局反映，材料我带着"),
    case("on-the-day", "周三都去信访局接待日，把发票带齐"),
    case("ask-the-county", "说好了下午一起去县政府问一问补偿款的事"),
]

NOT_SECURITY = [
    *VISITS,
    case("bridge-road-surface", "大桥的路面开裂了，车过一颠一颠的，谁来补"),
    case("dog", "小区又有流浪狗咬人，打了四针，社区说找城管"),
    case("dissuading", "老乡别堵门，带上考勤去劳动监察窗口登记"),
    case("cool-down", "明天早上县政府门口就别去了，冷静点，要拘留的"),
    case("banner-told", "隔壁工地拉横幅好歹有人管，我们的工资还没影"),
    case("night-run", "有没有一起夜跑的，广场集合，六分配"),
    case("jam", "学校门口天天堵车，交警也不来"),
    case("film", "电影里主角从楼顶跳下去那段太假"),
    case("game", "昨晚打游戏，一枪爆炸，队友直接没了"),
    case("no-one-hurt", "两车相撞，无人员伤亡，交通已恢复"),
    case("drill", "消防演练模拟厨房起火、伤员抬走，请勿惊慌", OFFICIAL),
    case("policy-denial", "网传“电动车一律没收”不属实，过渡期到明年底", OFFICIAL),
    case("notice-meeting", "报名通知｜请于周五上午九点在县政府三楼集合", OFFICIAL),
    case("boom-of-the-chat", "车库进水，业主群都炸了，物业不见人"),
]

NOT_PETITION = [
    case("refund-told", "景区加收费用已全部退还，运营公司被立案", OFFICIAL),
    case("press-on-wages", "工厂拖欠工资 工人等说法｜记者看到厂门紧锁", PRESS),
    case("job-question", "园区工资多少，招不招人"),
    case("board-question", "请问养老金几号发｜想问一下这个月是不是推迟了", BOARD, Kind.POST),
    case("mockery", "镇上的面子工程，中标价一棵八千"),
]


@pytest.mark.parametrize(("text", "tags", "kind"), GATHERINGS_AND_THREATS)
def test_a_call_to_gather_or_a_threat_is_security_at_level_three(
    rules: Rules, text: str, tags: tuple[str, ...], kind: Kind
) -> None:
    answer = judged(rules, text, tags, kind)
    assert (answer.channel, answer.level, answer.must_answer) == ("security", Level.III, True), told(answer)


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("关于补贴何时发放的咨询｜审核通过两个月了，想知道批次。", "office"),
        ("学校门口能不能装个红绿灯｜早晚人多，车也快。", "office"),
        ("关于校服收费问题的答复｜经核查，已停止统一征订，感谢您的监督。", "office"),
        ("热线推诿问题｜四次拨打，答复“建议市民自行联系”，还要热线做什么。", "petition"),
        ("能否退还多收的押金｜租期早满，请求退款。", "petition"),
    ],
)
def test_on_a_board_the_title_says_whether_it_asks_or_claims(rules: Rules, text: str, channel: str) -> None:
    answer = judged(rules, text, BOARD)
    assert answer.channel == channel, told(answer)


@pytest.mark.parametrize(("text", "tags", "kind"), [*ALARMS, *ACCIDENTS])
def test_alarm_and_accident_are_security_and_must_be_answered(
    rules: Rules, text: str, tags: tuple[str, ...], kind: Kind
) -> None:
    answer = judged(rules, text, tags, kind)
    assert (answer.channel, answer.must_answer) == ("security", True), told(answer)


MANY_HURT = [
    "大桥三车连撞，有人被抬走了，两个人被抬上救护车",
    "县道上面包车与货车相撞，造成7人受伤，均已送医",
    "脚手架塌了，三名工人送医，还有人在里面",
    "客车侧翻，伤者增至十一人，都在县医院",
    "面包车冲上人行道撞了，好几个学生受伤",
    "大桥上两车相撞，1死3伤，路口封了",
]
FEW_OR_NOT_NOW = [
    "路口两辆车追尾，一人受伤送医",
    "三车追尾，无人员伤亡，正在绕行",
    "6时30分电动车侧翻，驾驶人（女，67岁）腿部骨折，已送医",
    "消防演练：模拟三车相撞，5人受伤送医",
    "电影里三车相撞、五人受伤那段就是在我们县拍的",
    "去年国道车祸致4人死亡一案今日宣判",
    "网传大桥三车相撞致5人死亡，系谣言，警方已处理",
    "液氨泄漏，周边216名群众转移，1名工人眼部不适送医",
    "水库边溺水的孩子救上来了，3名群众下水救人，孩子已送医",
    "车祸多发，多人反映没有护栏，上周还有人受伤",
    "前三季度全县发生道路交通事故85起，死亡12人，同比分别下降10%和8%",
    "我县举办踩踏事故应急处置桌面推演，假设20人受伤",
]


@pytest.mark.parametrize(
    ("text", "level"), [(t, Level.III) for t in MANY_HURT] + [(t, None) for t in FEW_OR_NOT_NOW]
)
def test_an_accident_that_hurt_three_or_wrecked_three_cars_is_of_level_three(rules, text, level):
    answer = judged(rules, text)
    assert answer.level is level, told(answer)


@pytest.mark.parametrize(("text", "tags", "kind"), [*CLAIMS, *BOARD_CLAIMS, *VISITS])
def test_a_claim_of_ones_own_is_a_petition(
    rules: Rules, text: str, tags: tuple[str, ...], kind: Kind
) -> None:
    answer = judged(rules, text, tags, kind)
    assert answer.channel == "petition", told(answer)


@pytest.mark.parametrize(("text", "tags", "kind"), PUBLICITY)
def test_reporters_and_the_press_are_publicity(
    rules: Rules, text: str, tags: tuple[str, ...], kind: Kind
) -> None:
    answer = judged(rules, text, tags, kind)
    assert (answer.channel, answer.level) == ("publicity", Level.III), told(answer)
    assert "network" in answer.copies


@pytest.mark.parametrize(("text", "tags", "kind"), MISREAD)
def test_a_misread_policy_is_for_the_office_and_must_be_answered(
    rules: Rules, text: str, tags: tuple[str, ...], kind: Kind
) -> None:
    answer = judged(rules, text, tags, kind)
    assert (answer.channel, answer.must_answer) == ("office", True), told(answer)


@pytest.mark.parametrize(("text", "tags", "kind"), WEAK)
def test_what_only_its_tone_decides_is_relevant_and_names_no_grave_channel(
    rules: Rules, text: str, tags: tuple[str, ...], kind: Kind
) -> None:
    answer = judged(rules, text, tags, kind)
    assert answer.channel in {"network", "office"}, told(answer)
    assert not answer.must_answer


@pytest.mark.parametrize(("text", "tags", "kind"), IGNORED)
def test_what_concerns_nobody_is_ignored_with_its_reason(
    rules: Rules, text: str, tags: tuple[str, ...], kind: Kind
) -> None:
    answer = judged(rules, text, tags, kind)
    assert answer.ignored or answer.passed, told(answer)
    assert not answer.relevant
    assert answer.reasons


@pytest.mark.parametrize(
    ("text", "tags", "kind"), [*NOT_IGNORED, *GATHERINGS_AND_THREATS, *ALARMS, *ACCIDENTS]
)
def test_nothing_grave_is_ignored_for_a_word(
    rules: Rules, text: str, tags: tuple[str, ...], kind: Kind
) -> None:
    assert not judged(rules, text, tags, kind).ignored


@pytest.mark.parametrize(("text", "tags", "kind"), NOT_SECURITY)
def test_dissuading_metaphor_and_play_are_no_danger(
    rules: Rules, text: str, tags: tuple[str, ...], kind: Kind
) -> None:
    answer = judged(rules, text, tags, kind)
    assert answer.channel != "security", told(answer)


@pytest.mark.parametrize(("text", "tags", "kind"), NOT_PETITION)
def test_what_others_tell_of_claims_is_no_claim(
    rules: Rules, text: str, tags: tuple[str, ...], kind: Kind
) -> None:
    answer = judged(rules, text, tags, kind)
    assert answer.channel != "petition", told(answer)


@pytest.mark.parametrize(("text", "tags", "kind"), [*GATHERINGS_AND_THREATS, *ALARMS, *CLAIMS])
def test_without_the_county_nothing_grave_is_said(
    rules: Rules, text: str, tags: tuple[str, ...], kind: Kind
) -> None:
    answer = judged(rules, text, tags, kind, own=False)
    assert answer.channel not in STRONG, told(answer)


def test_a_layman_can_oversee_the_words(rules: Rules) -> None:
    text = files("bot.templates").joinpath("rules.toml").read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) <= 200
    heads = {"[[ignore]]", "[[rule]]", "[[rule.rule]]"}
    assert 0 < sum(line.strip() in heads for line in text.splitlines()) <= 90


def test_the_first_matter_of_the_demo_goes_where_the_readme_walks_with_it(rules):
    first = next(text for text in load_texts() if text.id == FIRST_TEXT)
    made = judged(rules, f"{first.title}｜{first.text}", kind=Kind.POST)
    assert (made.channel, made.level) == ("petition", None), told(made)
